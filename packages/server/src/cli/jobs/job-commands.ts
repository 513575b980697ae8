import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { describeProgress, type JobView, waitForJob } from '../client/wait-for-job.ts';
import { choice, defineCommand, option, type ServerCommandSpec } from '../program/command-spec.ts';
import { JOB_COLUMNS } from './job-columns.ts';

const STATES = ['queued', 'running', 'paused', 'canceled', 'done', 'failed'];

const listJobs = defineCommand<PageOptions & { state?: string }>({
  name: 'jobs list',
  summary: 'List replays, imports, exports and erasures, and how far they have come.',
  options: [choice('--state <state>', 'only in this state', STATES), ...pageOptions()],
  examples: ['posthorn jobs list --state running'],
  run: (call) =>
    printList<JobView>(call, '/v1/jobs', {
      query: { state: call.options.state },
      columns: JOB_COLUMNS,
      empty: 'There is no such job.',
    }),
});

const showJob = defineCommand<{ wait?: boolean }>({
  name: 'jobs show',
  summary: 'Show how far a job has come, or wait for its end.',
  args: ['<id>'],
  options: [option('--wait', 'wait until it has ended')],
  json: 'the job as JSON',
  examples: ['posthorn jobs show job_... --wait'],
  async run(call) {
    const found = await call.client.get<JobView>(pathOf(call.args[0]));
    const job = call.options.wait === true ? await waitForJob(found, call) : found;
    call.print.thing(job, () => [`${job.id} ${job.kind} ${describeProgress(job)}`]);
    return job.state === 'failed' ? 1 : 0;
  },
});

const pathOf = (id: string | undefined): string => `/v1/jobs/${encodeURIComponent(id ?? '')}`;

/** One that asks for another state of a job. */
const defineStep = (verb: string, summary: string): ServerCommandSpec =>
  defineCommand<object>({
    name: `jobs ${verb}`,
    summary,
    args: ['<id>'],
    json: 'the job as JSON',
    examples: [`posthorn jobs ${verb} job_...`],
    async run({ args: [id], client, print }) {
      const job = await client.post<JobView>(`${pathOf(id)}/${verb}`, undefined);
      print.thing(job, () => [`${job.id} ${job.kind} ${describeProgress(job)}`]);
      return 0;
    },
  });

export const JOB_COMMANDS: readonly ServerCommandSpec[] = [
  listJobs,
  showJob,
  defineStep('pause', 'Let a job rest where it is.'),
  defineStep('resume', 'Let a job that rests go on.'),
  defineStep('cancel', 'End a job; what it has done stays done.'),
];
