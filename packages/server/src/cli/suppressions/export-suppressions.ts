import { writeFileSync } from 'node:fs';
import { ConfigError } from '../../config.ts';
import { LIST_FORMATS } from '../../core/mail/list-format.ts';
import { messageOf } from '../../lib/errors.ts';
import { describeProgress, type JobView, waitForJob } from '../client/wait-for-job.ts';
import { choice, defineCommand } from '../program/command-spec.ts';

const TIMEOUT_MS = 600_000;

export const exportSuppressions = defineCommand<{ format: string }>({
  name: 'suppressions export',
  summary: 'Write the whole list to a file, or to standard output.',
  args: ['[file]'],
  options: [choice('--format <format>', 'how it is written', LIST_FORMATS).default('csv')],
  json: 'with a file: how much was written as JSON',
  examples: ['posthorn suppressions export suppressions.csv'],
  async run(call) {
    const { client, options, print, world } = call;
    const [file] = call.args;
    const asked = { format: options.format };
    const job = await waitForJob(
      await client.post<JobView>('/v1/suppressions/exports', asked),
      call,
    );
    if (job.state !== 'done') {
      print.thing(job, () => [`${job.id} ${describeProgress(job)}`]);
      return 1;
    }
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await client.open(`/v1/suppressions/exports/${job.id}`, { signal });
    const list = await answer.text();
    if (file === undefined) {
      world.out(list.replace(/\r?\n$/, ''));
      return 0;
    }
    try {
      // Addresses of people: nobody else's to read.
      writeFileSync(file, list, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      throw new ConfigError(`${file} cannot be written: ${messageOf(error)}`);
    }
    const { done } = job.progress;
    print.thing({ file, addresses: done }, () => [`${done} addresses are in ${file}.`]);
    return 0;
  },
});
