import type { Ids } from '../../../core/ids.ts';
import type { Statement } from '../../../store/engine.ts';
import type { JobRecord, Jobs } from '../../../store/jobs/jobs.ts';
import type { JobKind } from '../../../store/tables.ts';
import type { JobRunner } from '../../../webhooks/jobs/runner.ts';
import type { RouteAnswer } from '../../route.ts';
import { toJobJson } from './job-json.ts';

export interface JobDeps {
  jobs: Jobs;
  runner: Pick<JobRunner, 'wake'>;
  /** How long a job is kept after it was asked for, ms. */
  jobRetentionMs: (projectId: string) => number;
  ids: Ids;
  now: () => number;
}

type Asked<K extends JobKind> = Pick<
  JobRecord<K>,
  'projectId' | 'kind' | 'params' | 'ratePerSecond'
> & { total: number | null };

/** Stores a job and lets it run. The answer is committed with it. */
export async function startJob<K extends JobKind>(
  deps: JobDeps,
  { total, ...asked }: Asked<K>,
  remember: (answer: RouteAnswer) => Statement[],
  /** What else the job needs, in the same commit. */
  beside: (job: JobRecord) => Statement[] = () => [],
): Promise<RouteAnswer> {
  const nowMs = deps.now();
  const job = {
    ...asked,
    id: deps.ids.next('job'),
    state: 'queued',
    progress: { total, done: 0, failed: 0 },
    cursor: null,
    error: null,
    createdAtMs: nowMs,
    startedAtMs: null,
    updatedAtMs: nowMs,
    endedAtMs: null,
    retainUntilMs: nowMs + deps.jobRetentionMs(asked.projectId),
  } as JobRecord;
  const answer = { status: 202, body: toJobJson(job) };
  await deps.jobs.insert(job, [...beside(job), ...remember(answer)]);
  deps.runner.wake(job.projectId);
  return answer;
}
