import { WebhookError } from '@posthorn/sdk';
import type { Ids } from '../../core/ids.ts';
import { lowestIdAt } from '../../core/ids.ts';
import type { SourcePayload } from '../../core/source.ts';
import { type Redecoded, redecode } from '../../sources/redecode.ts';
import type { LiveSource } from '../../sources/source-directory.ts';
import type { Statement } from '../../store/engine.ts';
import { type JobStep, stopWith } from '../../store/jobs/job-step.ts';
import type { JobRecord, RedecodeCounts } from '../../store/jobs/jobs.ts';
import type { EventLog } from '../../store/log/event-log.ts';
import type { SourcePayloads } from '../../store/sources/source-payloads.ts';

/** They may have megabytes each, unpacked. */
const STEP_PAYLOADS = 10;

/**
 * Reads kept webhooks again with today's decoders. Events are appended before the place of the job
 * moves: a step that is made twice finds them there.
 */
export function createRedecode(deps: {
  payloads: Pick<SourcePayloads, 'walk' | 'marking'>;
  sources: { find(projectId: string, id: string): LiveSource | null };
  log: Pick<EventLog, 'append'>;
  ids: Ids;
}): (job: JobRecord<'redecode'>) => Promise<JobStep> {
  const { payloads, sources, log, ids } = deps;

  /** Null where nothing can be made of it. */
  async function read(payload: SourcePayload): Promise<Redecoded | null> {
    // Its source was deleted, and with it what it says about its format.
    const source = sources.find(payload.projectId, payload.sourceId);
    if (source === null) return null;
    try {
      return await redecode(source, payload);
    } catch (error) {
      if (error instanceof WebhookError) return null;
      throw error;
    }
  }

  async function append(projectId: string, { added, changed }: Redecoded): Promise<void> {
    const events = [...added, ...changed].map(({ dedupKey, id, event }) => ({
      projectId,
      dedupKey,
      event: { id: id ?? ids.next('event'), ...event },
    }));
    if (events.length > 0) await log.append(events);
  }

  return async (job) => {
    const { projectId, params, cursor, progress } = job;
    const found = await payloads.walk({
      projectId,
      sourceId: params.sourceId,
      fromId: params.sinceMs === null ? null : lowestIdAt('payload', params.sinceMs),
      toId: lowestIdAt('payload', params.untilMs),
      afterId: cursor,
      limit: STEP_PAYLOADS,
    });
    const last = found.at(-1);
    if (last === undefined) return stopWith(job, { kind: 'done' });
    const counts = { ...(progress.redecoded ?? NOTHING) };
    const statements: Statement[] = [];
    let failed = 0;
    for (const payload of found) {
      const made = await read(payload);
      if (made === null) failed += 1;
      else {
        add(counts, made);
        if (params.dryRun || made.added.length + made.changed.length === 0) continue;
        await append(projectId, made);
        statements.push(
          payloads.marking({ ...payload, recipients: made.recipients }, made.decoded),
        );
      }
    }
    return {
      statements,
      cursor: last.id,
      progress: {
        ...progress,
        done: progress.done + found.length - failed,
        failed: progress.failed + failed,
        redecoded: counts,
      },
      items: found.length,
      outcome: { kind: found.length < STEP_PAYLOADS ? 'done' : 'more' },
    };
  };
}

const NOTHING: RedecodeCounts = { added: 0, changed: 0, kept: 0 };

function add(counts: RedecodeCounts, { added, changed, kept }: Redecoded): void {
  counts.added += added.length;
  counts.changed += changed.length;
  counts.kept += kept;
}
