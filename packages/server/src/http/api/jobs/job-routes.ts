import { z } from 'zod';
import { isId } from '../../../core/ids.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { Engine } from '../../../store/engine.ts';
import type { JobRecord, Jobs } from '../../../store/jobs/jobs.ts';
import type { JobState } from '../../../store/tables.ts';
import type { JobRunner } from '../../../webhooks/jobs/runner.ts';
import { defineRoute, type Route } from '../../route.ts';
import { idParam, keyOfCursor, nextCursorSchema, pageQuery } from '../schemas.ts';
import { JOB_KINDS, JOB_STATES, jobSchema, toJobJson } from './job-json.ts';

interface Move {
  from: JobState[];
  already: JobState[];
  to: JobState;
  summary: string;
  description: string;
}

/**
 * What people may do with a job: from which states, and into which. In `already` there is nothing to
 * do, and the answer is the same: who asks twice gets what he wanted.
 */
const MOVES: Record<'pause' | 'resume' | 'cancel', Move> = {
  pause: {
    from: ['queued', 'running'],
    already: ['paused'],
    to: 'paused',
    summary: 'Pause a job',
    description: 'It ends the step that is under way and waits to be resumed.',
  },
  resume: {
    from: ['paused'],
    already: ['queued', 'running'],
    to: 'queued',
    summary: 'Resume a job',
    description: 'It goes on where it was, as soon as no other job of the project runs.',
  },
  cancel: {
    from: ['queued', 'running', 'paused'],
    already: ['canceled'],
    to: 'canceled',
    summary: 'Cancel a job',
    description: 'What it has done stays done; the rest is not.',
  },
};

export function createJobRoutes(deps: {
  jobs: Jobs;
  engine: Pick<Engine, 'commit'>;
  runner: Pick<JobRunner, 'wake'>;
  now: () => number;
}): Route[] {
  const { jobs } = deps;

  async function find(projectId: string, id: string): Promise<JobRecord> {
    const found = isId('job', id) ? await jobs.get(projectId, id) : null;
    if (found === null) throw new PosthornError('not_found', `There is no job ${id}.`);
    return found;
  }

  function moveRoute(name: keyof typeof MOVES): Route {
    const { from, already, to, summary, description } = MOVES[name];
    return defineRoute({
      method: 'POST',
      path: `/v1/jobs/{id}/${name}`,
      auth: 'manage',
      group: 'Jobs',
      summary,
      description,
      params: idParam('id', 'job'),
      responses: { 200: { description: 'The job as it is now.', schema: jobSchema } },
      async handle({ projectId, params, remember }) {
        const job = await find(projectId, String(params['id']));
        const isThere = already.includes(job.state);
        if (!isThere && !from.includes(job.state)) {
          throw new PosthornError('conflict', `The job is ${job.state}: that is its end.`);
        }
        const nowMs = deps.now();
        const endedAtMs = to === 'canceled' ? nowMs : null;
        const moved = { ...job, state: to, error: null, updatedAtMs: nowMs, endedAtMs };
        const answer = { status: 200, body: toJobJson(isThere ? job : moved) };
        // From wherever it is by then: the runner may have begun with it.
        const change = jobs.change(job, from, { state: to, error: null, updatedAtMs: nowMs });
        const statements = [...(isThere ? [] : [change]), ...remember(answer)];
        await deps.engine.commit({ events: [], statements });
        deps.runner.wake(projectId);
        return answer;
      },
    });
  }

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/jobs',
      auth: 'read',
      group: 'Jobs',
      summary: 'List jobs',
      description:
        'Replays, erasures, imports and exports, the newest first. A project runs one at a time.',
      query: z.strictObject({
        ...pageQuery,
        state: z.enum(JOB_STATES).optional(),
        kind: z.enum(JOB_KINDS).optional(),
      }),
      responses: {
        200: {
          description: 'A page of jobs.',
          schema: z.object({ data: z.array(jobSchema), next_cursor: nextCursorSchema }),
        },
      },
      async handle({ projectId, query }) {
        const { rows, nextCursor } = await jobs.list({
          projectId,
          limit: query.limit,
          beforeId: keyOfCursor(query.cursor, (key) => isId('job', key)),
          state: query.state ?? null,
          kind: query.kind ?? null,
        });
        return { status: 200, body: { data: rows.map(toJobJson), next_cursor: nextCursor } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/jobs/{id}',
      auth: 'read',
      group: 'Jobs',
      summary: 'One job, with how far it has come',
      params: idParam('id', 'job'),
      responses: { 200: { description: 'The job.', schema: jobSchema } },
      async handle({ projectId, params }) {
        return { status: 200, body: toJobJson(await find(projectId, String(params['id']))) };
      },
    }),
    moveRoute('pause'),
    moveRoute('resume'),
    moveRoute('cancel'),
  ];
}
