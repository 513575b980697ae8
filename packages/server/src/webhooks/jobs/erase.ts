import { createPerson } from '../../core/erase-person.ts';
import type { Erasure } from '../../store/erasure/erasure.ts';
import { type JobStep, stopWith } from '../../store/jobs/job-step.ts';
import type { JobRecord } from '../../store/jobs/jobs.ts';

/** How long to wait for mail to the person that is being sent right now, ms. */
const WAIT_MS = 1_000;

/**
 * Removes a recipient from the store, one walk over a table after the other (store/erasure). What
 * comes in meanwhile behind the place that a walk has come to is still found; what comes in after the
 * end is new.
 */
export function createErase(deps: {
  erasure: Erasure;
  wake(projectId: string, endpointId: string, dueAtMs: number): void;
  now: () => number;
}): (job: JobRecord<'erase'>) => Promise<JobStep> {
  const { walks } = deps.erasure;
  return async (job) => {
    const { projectId, params, progress } = job;
    const at = parseCursor(job.cursor);
    const walk = walks[at.walk];
    // It was ended before, and only an ended job has no address.
    if (walk === undefined || params.recipient === null) return stopWith(job, { kind: 'done' });
    const nowMs = deps.now();
    const person = createPerson(params.recipient);
    const step = await walk.step({ projectId, person, after: at.after, nowMs });
    const next = step.last !== null || step.wait === true ? at.walk : at.walk + 1;
    const isDone = next === walks.length;
    return {
      statements: step.statements,
      cursor: JSON.stringify([next, step.last]),
      progress: { ...progress, done: progress.done + step.changed },
      items: step.changed,
      outcome:
        step.wait === true ? { kind: 'wait', waitMs: WAIT_MS } : { kind: isDone ? 'done' : 'more' },
      committed() {
        for (const id of new Set(step.due ?? [])) deps.wake(projectId, id, nowMs);
      },
    };
  };
}

function parseCursor(cursor: string | null): { walk: number; after: string | null } {
  const [walk, after]: [number, string | null] = cursor === null ? [0, null] : JSON.parse(cursor);
  return { walk, after };
}
