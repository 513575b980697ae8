import { describeProgress, type JobView, waitForJob } from '../client/wait-for-job.ts';
import { choice, defineCommand, option, type ServerCall } from '../program/command-spec.ts';
import { confirm } from '../program/confirm.ts';
import { given, readTime, wholeNumber } from '../program/values.ts';

interface Options {
  endpoint?: string;
  since?: string;
  until?: string;
  type?: string;
  state: string[];
  message?: string;
  error?: string;
  missing?: boolean;
  rate?: number;
  dryRun?: boolean;
  yes?: boolean;
  wait: boolean;
}

interface Preview {
  dry_run: true;
  deliveries: number;
  missing: number;
}

const STATES = ['dead', 'skipped', 'canceled', 'delivered', 'retrying'];

/** `posthorn replay`: counts first, asks, and shows how far it is until the end. */
export const replay = defineCommand<Options>({
  name: 'replay',
  summary: 'Send events to endpoints again: count them, ask, and follow to the end.',
  options: [
    option('--endpoint <id>', 'to this endpoint, by id or uid (default: all that are enabled)'),
    option('--since <time>', 'from this time on, or so long ago: 2h'),
    option('--until <time>', 'up to this time'),
    option('--type <types>', 'only these types or families, separated by commas'),
    choice(
      '--state <state...>',
      'deliveries in these states (default: dead, skipped)',
      STATES,
    ).default([], 'dead skipped'),
    option('--message <id>', 'only events of this message'),
    option('--error <code>', 'only where the latest attempt failed with this, such as timeout'),
    option('--missing', 'also events that the endpoint was never owed'),
    option('--rate <number>', 'deliveries a second', wholeNumber(1, 100_000)),
    option('--dry-run', 'only count'),
    option('--yes', 'do not ask'),
    option('--no-wait', 'do not wait for the end'),
  ],
  json: 'the count, or the job, as JSON',
  examples: [
    'posthorn replay --endpoint orders --since 2h --dry-run',
    'posthorn replay --endpoint orders --since 2h --state dead --yes',
  ],
  async run(call) {
    const { client, options, print, world } = call;
    const body = toBody(call);
    const preview = await client.post<Preview>('/v1/replays', { ...body, dry_run: true });
    if (options.dryRun === true) {
      print.thing(preview, () => [describe(preview)]);
      return 0;
    }
    print.note(describe(preview));
    // Of nothing nobody is asked: the server says that there is none.
    const yes = options.yes === true || preview.deliveries + preview.missing === 0;
    if (!(await confirm('Send them again?', { yes, world }))) {
      print.note('Nothing was sent.');
      return 1;
    }
    const started = await client.post<JobView>('/v1/replays', body);
    const job = options.wait ? await waitForJob(started, call) : started;
    print.thing(job, () => [`${job.id} ${describeProgress(job)}`]);
    return job.state === 'failed' || job.state === 'canceled' ? 1 : 0;
  },
});

function toBody({ options, world }: ServerCall<Options>): Record<string, unknown> {
  const { endpoint, since, until, type, state, message, error, missing, rate } = options;
  const nowMs = world.nowMs();
  return given({
    endpoint_id: endpoint,
    since: since === undefined ? undefined : readTime(since, nowMs, '--since'),
    until: until === undefined ? undefined : readTime(until, nowMs, '--until'),
    event_types: type?.split(',').map((one) => one.trim()),
    states: state,
    message_id: message,
    error_code: error,
    include_missing: missing,
    rate,
  });
}

function describe({ deliveries, missing }: Preview): string {
  const never = missing === 0 ? '' : `, ${missing} of them never owed before`;
  return `${deliveries + missing} deliveries would be sent again${never}.`;
}
