import type { Statement } from '../engine.ts';
import type { JobProgress } from './jobs.ts';

/** One step of a job: what to store, and where the next one begins. */
export interface JobStep {
  /** Committed together with the cursor: after a crash a step has been made, or has not. */
  statements: readonly Statement[];
  cursor: string | null;
  progress: JobProgress;
  /** How much of the job's rate this step uses up. */
  items: number;
  outcome: StepOutcome;
  /** Called after the commit. */
  committed?(): void;
}

export type StepOutcome =
  | { kind: 'more' }
  /** Something has to end first. */
  | { kind: 'wait'; waitMs: number }
  | { kind: 'done' }
  /** It cannot go on until somebody has done something. */
  | { kind: 'paused'; reason: string }
  | { kind: 'failed'; reason: string };

/** A step without an effect. */
export function stopWith(
  job: { cursor: string | null; progress: JobProgress },
  outcome: StepOutcome,
): JobStep {
  return { statements: [], cursor: job.cursor, progress: job.progress, items: 0, outcome };
}
