import type { Printer } from '../output/printer.ts';
import type { World } from '../program/world.ts';
import type { ApiClient } from './api-client.ts';

/** As `GET /v1/jobs/{id}` says it (http/api/jobs/job-json.ts). */
export interface JobView {
  id: string;
  kind: string;
  state: string;
  progress: {
    total: number | null;
    done: number;
    failed: number;
    redecoded?: { added: number; changed: number; kept: number };
    problems?: { line: number; detail: string }[];
  };
  rate_per_second: number | null;
  error: string | null;
  created_at: string;
  ended_at: string | null;
}

const LOOK_MS = 300;

export const isOver = ({ state }: Pick<JobView, 'state'>): boolean =>
  state !== 'queued' && state !== 'running';

/**
 * Waits until a job has ended or stands still, and shows how far it is. Whoever presses Ctrl-C stops
 * waiting: the job is the server's and goes on.
 */
export async function waitForJob(
  started: JobView,
  { client, print, world }: { client: Pick<ApiClient, 'get'>; print: Printer; world: World },
): Promise<JobView> {
  const interrupted = world.untilInterrupted();
  let job = started;
  while (!isOver(job) && !interrupted.aborted) {
    print.progress(describeProgress(job));
    await world.sleep(LOOK_MS);
    job = await client.get<JobView>(`/v1/jobs/${started.id}`);
  }
  if (interrupted.aborted && !isOver(job)) {
    print.note(
      `The server goes on with ${job.id}. Look with: posthorn jobs show ${job.id}, stop it with: posthorn jobs cancel ${job.id}`,
    );
  } else print.note(describeProgress(job));
  return job;
}

/** `running: 1200 of 5000 (24%), 3 failed`. */
export function describeProgress({ state, progress, error }: JobView): string {
  const { total, done, failed } = progress;
  const parts = Math.floor((100 * (done + failed)) / Math.max(total ?? 1, 1));
  const far = total === null ? `${done}` : `${done + failed} of ${total} (${parts}%)`;
  const lost = failed === 0 ? '' : `, ${failed} failed`;
  return `${state}: ${far}${lost}${error === null ? '' : `: ${error}`}`;
}
