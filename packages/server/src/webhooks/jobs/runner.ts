import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { type Engine, StoreConflict, StoreUnavailable } from '../../store/engine.ts';
import type { JobStep } from '../../store/jobs/job-step.ts';
import type { JobRecord, Jobs } from '../../store/jobs/jobs.ts';
import type { JobKind } from '../../store/tables.ts';

export type JobWorks = { [K in JobKind]: (job: JobRecord<K>) => Promise<JobStep> };

/**
 * Runs jobs in small steps: one job of a project at a time, and one step at a time over all projects,
 * the one whose turn it is. Each step's effect and the place where the next begins are one commit, so
 * a job goes on after a restart exactly where it was. Somebody who pauses or cancels a job does so
 * between two steps: a step that he overtakes is undone.
 */
export interface JobRunner {
  /** Takes up what earlier processes have left. */
  start(): Promise<void>;
  /** This project has a job to run: a new one, or one that goes on. */
  wake(projectId: string): void;
  /** Ends after the step that is under way. */
  stop(): Promise<void>;
}

/** Between two steps, so that commits and reads of others come in between, ms. */
const MIN_PAUSE_MS = 5;
/** After something went wrong that passes, ms. */
const AGAIN_MS = 1_000;

export function createJobRunner(options: {
  jobs: Jobs;
  engine: Pick<Engine, 'commit'>;
  works: JobWorks;
  clock: Clock;
  log: Log;
}): JobRunner {
  const { jobs, engine, works, clock, log } = options;
  /** When each project with a job may make its next step. */
  const turns = new Map<string, number>();
  let started = false;
  let stopping = false;
  let step: Promise<void> | null = null;
  let cancelTimer = (): void => {};

  function schedule(): void {
    cancelTimer();
    if (!started || stopping || step !== null) return;
    const next = firstTurn();
    if (next !== null)
      cancelTimer = clock.after(next.atMs - clock.now(), () => run(next.projectId));
  }

  function firstTurn(): { projectId: string; atMs: number } | null {
    let first: { projectId: string; atMs: number } | null = null;
    for (const [projectId, atMs] of turns) {
      if (first === null || atMs < first.atMs) first = { projectId, atMs };
    }
    return first;
  }

  function run(projectId: string): void {
    // Who wakes the project meanwhile is heard when this step found no job.
    turns.delete(projectId);
    step = makeStep(projectId)
      .then(
        (pauseMs) => {
          if (pauseMs !== null) turns.set(projectId, clock.now() + pauseMs);
        },
        (error: unknown) => {
          const passes = error instanceof StoreConflict || error instanceof StoreUnavailable;
          if (!passes) log.error({ project: projectId, error: messageOf(error) }, 'No job was run');
          turns.set(projectId, clock.now() + AGAIN_MS);
        },
      )
      .finally(() => {
        step = null;
        schedule();
      });
  }

  /** One that has its turn already keeps it: its pace is not for others to change. */
  function giveTurn(projectId: string): void {
    if (!turns.has(projectId)) turns.set(projectId, clock.now());
  }

  /** How long to wait for the next one; null when the project has no job to run. */
  async function makeStep(projectId: string): Promise<number | null> {
    const job = await jobs.next(projectId);
    if (job === null) return null;
    if (job.state === 'queued') {
      const nowMs = clock.now();
      const startedAtMs = job.startedAtMs ?? nowMs;
      await change(job, 'queued', { state: 'running', startedAtMs, error: null });
      return MIN_PAUSE_MS;
    }
    try {
      return await commitStep(job, await work(job));
    } catch (error) {
      if (error instanceof StoreConflict) return MIN_PAUSE_MS;
      if (error instanceof StoreUnavailable) throw error;
      const stack = error instanceof Error ? error.stack : String(error);
      log.error({ job: job.id, stack }, 'A job failed inside');
      const reason = 'Posthorn failed inside; the log of the server has the details.';
      await change(job, 'running', { state: 'failed', error: reason });
      return MIN_PAUSE_MS;
    }
  }

  function work(job: JobRecord): Promise<JobStep> {
    // The types do not see that the work of a kind gets a job of that kind.
    const step = works[job.kind] as (job: JobRecord) => Promise<JobStep>;
    return step(job);
  }

  async function change(
    job: JobRecord,
    from: 'queued' | 'running',
    fields: Omit<Parameters<Jobs['change']>[2], 'updatedAtMs'>,
  ): Promise<void> {
    const statement = jobs.change(job, [from], { ...fields, updatedAtMs: clock.now() });
    await engine.commit({ events: [], statements: [statement] });
  }

  async function commitStep(job: JobRecord, made: JobStep): Promise<number> {
    const { cursor, progress, outcome } = made;
    const ended = outcome.kind === 'more' || outcome.kind === 'wait' ? {} : endOf(outcome);
    const update = { cursor, progress, ...ended, updatedAtMs: clock.now() };
    const statements = [...made.statements, jobs.change(job, ['running'], update, job)];
    await engine.commit({ events: [], statements });
    made.committed?.();
    if (outcome.kind === 'failed' || outcome.kind === 'paused') {
      log.warn({ job: job.id, reason: outcome.reason }, `A job has ${outcome.kind}`);
    }
    if (outcome.kind === 'wait') return outcome.waitMs;
    const paceMs = job.ratePerSecond === null ? 0 : (made.items * 1_000) / job.ratePerSecond;
    return Math.max(MIN_PAUSE_MS, paceMs);
  }

  return {
    async start() {
      started = true;
      for (const projectId of await jobs.projectsWithWork()) giveTurn(projectId);
      schedule();
    },
    wake(projectId) {
      giveTurn(projectId);
      schedule();
    },
    async stop() {
      stopping = true;
      cancelTimer();
      await step;
    },
  };
}

function endOf(outcome: { kind: 'done' } | { kind: 'paused' | 'failed'; reason: string }): {
  state: 'done' | 'paused' | 'failed';
  error: string | null;
} {
  return outcome.kind === 'done'
    ? { state: 'done', error: null }
    : { state: outcome.kind, error: outcome.reason };
}
