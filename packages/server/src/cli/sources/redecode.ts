import { type JobView, waitForJob } from '../client/wait-for-job.ts';
import { defineCommand, option } from '../program/command-spec.ts';
import { given, readTime } from '../program/values.ts';

interface Options {
  source?: string;
  since?: string;
  dryRun?: boolean;
}

/** `posthorn redecode`: has the server read kept webhooks again with its decoders, and waits for the end. */
export const redecode = defineCommand<Options>({
  name: 'redecode',
  summary: 'Have the server read kept webhooks of sources again, and wait for the end.',
  options: [
    option('--source <id>', 'of this source; all of them if left out'),
    option('--since <time>', 'that came in since this time, or so long ago: 7d'),
    option('--dry-run', 'only count what it would do'),
  ],
  json: 'the job as JSON',
  examples: ['posthorn redecode --since 7d --dry-run', 'posthorn redecode --source src_...'],
  async run(call) {
    const { source, since, dryRun = false } = call.options;
    const body = given({
      dry_run: dryRun,
      source_id: source,
      since: since === undefined ? undefined : readTime(since, call.world.nowMs(), '--since'),
    });
    const job = await waitForJob(await call.client.post<JobView>('/v1/redecodes', body), call);
    call.print.thing(job, () => [describe(job, dryRun)]);
    return job.state === 'done' ? 0 : 1;
  },
});

function describe({ id, state, progress, error }: JobView, dryRun: boolean): string {
  const { added, changed, kept } = progress.redecoded ?? { added: 0, changed: 0, kept: 0 };
  const would = dryRun ? 'would be ' : '';
  const read = `${progress.done} webhooks were read, ${progress.failed} could not be.`;
  const made = `${added} events ${would}new, ${changed} ${would}appended again under another type, ${kept} stay as they are.`;
  const end =
    state === 'done' ? '' : ` The job ${id} is ${state}${error === null ? '' : `: ${error}`}.`;
  return `${read} ${made}${end}`;
}
