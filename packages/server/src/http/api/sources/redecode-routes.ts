import { z } from 'zod';
import { lowestIdAt } from '../../../core/ids.ts';
import type { LiveSource } from '../../../sources/source-directory.ts';
import type { SourcePayloads } from '../../../store/sources/source-payloads.ts';
import { defineRoute, type Route } from '../../route.ts';
import { rangeFields, readRange, refuseField } from '../filters.ts';
import { jobSchema } from '../jobs/job-json.ts';
import { type JobDeps, startJob } from '../jobs/start-job.ts';

export interface RedecodeRouteDeps extends JobDeps {
  sourceRoom: { directory: { find(projectId: string, id: string): LiveSource | null } };
  sourcePayloads: Pick<SourcePayloads, 'count'>;
}

export function createRedecodeRoutes(deps: RedecodeRouteDeps): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/redecodes',
      auth: 'manage',
      group: 'Sources',
      summary: 'Read kept webhooks again',
      description:
        'With the decoders of this version, or with a changed mapping. Events that are there stay as they are; new ones are appended, and so are those whose type is another by now. The answer is a job; its progress counts them. With dry_run nothing is stored.',
      body: z
        .strictObject({
          source_id: z.string().max(200).optional().describe('Without it: every source.'),
          since: rangeFields.since.describe('Webhooks that came in from this time on.'),
          until: rangeFields.until.describe('Up to this time, not including it.'),
          dry_run: z.boolean().default(false).describe('Only counts what it would do.'),
        })
        .prefault({}),
      responses: { 202: { description: 'The job that does it.', schema: jobSchema } },
      async handle({ projectId, body, remember }) {
        const { source_id: id } = body;
        if (id !== undefined && deps.sourceRoom.directory.find(projectId, id) === null) {
          refuseField('/source_id', `There is no source ${id}.`);
        }
        const { sinceMs, untilMs } = readRange(body, '/');
        // What comes from now on is read by the same decoder anyway.
        const nowMs = deps.now() + 1;
        const params = {
          sourceId: id ?? null,
          sinceMs,
          untilMs: Math.min(untilMs ?? nowMs, nowMs),
          dryRun: body.dry_run,
        };
        const total = await deps.sourcePayloads.count({
          projectId,
          sourceId: params.sourceId,
          fromId: sinceMs === null ? null : lowestIdAt('payload', sinceMs),
          toId: lowestIdAt('payload', params.untilMs),
        });
        const asked = { kind: 'redecode', projectId, params, ratePerSecond: null, total } as const;
        return startJob(deps, asked, remember);
      },
    }),
  ];
}
