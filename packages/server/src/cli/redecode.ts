import { ConfigError } from '../config.ts';
import { systemClock, toTimestamp } from '../lib/clock.ts';
import { parseDuration } from '../lib/duration.ts';
import { type ApiClient, type ClientFlags, runClientCommand } from './api-client.ts';

export interface RedecodeInput extends ClientFlags {
  source?: string;
  /** A time, or how long ago. */
  since?: string;
  dryRun: boolean;
  json: boolean;
}

/** As `GET /v1/jobs/{id}` says it (http/api/jobs/job-json.ts). */
interface JobView {
  id: string;
  state: string;
  progress: {
    total: number | null;
    done: number;
    failed: number;
    redecoded?: { added: number; changed: number; kept: number };
  };
  error: string | null;
}

const LOOK_MS = 300;

/**
 * `posthorn redecode`: has a running server read kept webhooks again with its decoders, and waits for the
 * end. Resolves with the exit code: 1 when the job did not come to it.
 */
export function redecode({
  source,
  since,
  dryRun,
  json,
  ...flags
}: RedecodeInput): Promise<number> {
  return runClientCommand(flags, async (client) => {
    const started = await client.post<JobView>('/v1/redecodes', {
      dry_run: dryRun,
      ...(source === undefined ? {} : { source_id: source }),
      ...(since === undefined ? {} : { since: readSince(since, systemClock.now()) }),
    });
    const job = await waitForEnd(client, started);
    process.stdout.write(`${json ? JSON.stringify(job) : describe(job, dryRun)}\n`);
    return job.state === 'done' ? 0 : 1;
  });
}

/** Throws ConfigError for what is neither a time nor a duration. */
export function readSince(text: string, nowMs: number): string {
  const agoMs = parseDuration(text);
  if (agoMs !== null) return toTimestamp(nowMs - agoMs);
  const atMs = Date.parse(text);
  if (!Number.isNaN(atMs)) return toTimestamp(atMs);
  throw new ConfigError(
    `--since: ${JSON.stringify(text)} is neither a time such as 2026-11-21T16:00:00Z nor how long ago, such as 7d.`,
  );
}

async function waitForEnd(client: ApiClient, started: JobView): Promise<JobView> {
  let job = started;
  while (job.state === 'queued' || job.state === 'running') {
    await new Promise<void>((resolve) => systemClock.after(LOOK_MS, resolve));
    job = await client.get<JobView>(`/v1/jobs/${started.id}`);
  }
  return job;
}

function describe({ id, state, progress, error }: JobView, dryRun: boolean): string {
  const { added, changed, kept } = progress.redecoded ?? { added: 0, changed: 0, kept: 0 };
  const would = dryRun ? 'would be ' : '';
  const read = `${progress.done} webhooks were read, ${progress.failed} could not be.`;
  const made = `${added} events ${would}new, ${changed} ${would}appended again under another type, ${kept} stay as they are.`;
  const end =
    state === 'done' ? '' : ` The job ${id} is ${state}${error === null ? '' : `: ${error}`}.`;
  return `${read} ${made}${end}`;
}
