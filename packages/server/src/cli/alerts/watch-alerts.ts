import { ConfigError } from '../../config.ts';
import { toTimestamp } from '../../lib/clock.ts';
import { parseDuration } from '../../lib/duration.ts';
import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { choice, defineCommand, option } from '../program/command-spec.ts';
import { ALERT_COLUMNS, type AlertView, renderAlert } from './alert-view.ts';

const STATES = ['open', 'firing', 'acknowledged', 'snoozed', 'resolved', 'all'];

const pathOf = (id = ''): string => `/v1/alerts/${encodeURIComponent(id)}`;

export const listAlerts = defineCommand<PageOptions & { state: string }>({
  name: 'alerts list',
  summary: 'List what fires now, or what has fired.',
  options: [choice('--state <state>', 'which', STATES).default('open'), ...pageOptions()],
  examples: ['posthorn alerts list', 'posthorn alerts list --state all'],
  run: (call) =>
    printList<AlertView>(call, '/v1/alerts', {
      query: { state: call.options.state === 'all' ? undefined : call.options.state },
      columns: ALERT_COLUMNS,
      empty: call.options.state === 'open' ? 'Nothing fires.' : 'There is no such alert.',
    }),
});

export const showAlert = defineCommand<object>({
  name: 'alerts show',
  summary: 'Show an alert: what was found, who was told, and what became of that.',
  args: ['<id>'],
  json: 'the alert as JSON',
  examples: ['posthorn alerts show alt_...'],
  async run({ args: [id], client, print }) {
    const alert = await client.get<AlertView>(pathOf(id));
    print.thing(alert, () => renderAlert(alert));
    return 0;
  },
});

export const acknowledgeAlert = defineCommand<object>({
  name: 'alerts ack',
  summary: 'Say that you are at it: the alert is not told again until it resolves.',
  args: ['<id>'],
  json: 'the alert as JSON',
  examples: ['posthorn alerts ack alt_...'],
  async run({ args: [id], client, print }) {
    const alert = await client.post<AlertView>(`${pathOf(id)}/acknowledge`, undefined);
    print.thing(alert, () => [`Acknowledged by ${alert.acknowledged_by}: ${alert.sentence}`]);
    return 0;
  },
});

export const snoozeAlert = defineCommand<{ for?: string; wake?: boolean }>({
  name: 'alerts snooze',
  summary: 'Hear nothing of an alert for a while; if it still fires then, it is told again.',
  args: ['<id>'],
  options: [
    option('--for <time>', 'for how long: 2h, 3d'),
    option('--wake', 'end a snooze before its time'),
  ],
  json: 'the alert as JSON',
  examples: ['posthorn alerts snooze alt_... --for 8h', 'posthorn alerts snooze alt_... --wake'],
  async run({ args: [id], client, options, print, world }) {
    const until = options.wake === true ? null : untilOf(options.for, world.nowMs());
    const alert = await client.post<AlertView>(`${pathOf(id)}/snooze`, { until });
    print.thing(alert, () => [
      until === null ? `Awake: ${alert.sentence}` : `Snoozed until ${until}: ${alert.sentence}`,
    ]);
    return 0;
  },
});

function untilOf(text: string | undefined, nowMs: number): string {
  const forMs = text === undefined ? null : parseDuration(text);
  if (forMs !== null && forMs > 0) return toTimestamp(nowMs + forMs);
  throw new ConfigError('--for: say for how long, such as 2h or 3d; --wake ends a snooze.');
}
