import type { WebhookErrorCode } from '../errors.ts';
import type { InboxStats } from '../inbox/inbox.ts';

/** Counted since the receiver was made, in this process. */
export interface ReceiverCounters {
  /** Requests of any kind. */
  requests: number;
  /** New events that were stored. */
  received: number;
  /** Events that were known already. */
  duplicate: number;
  /** Requests that were refused, by code. */
  refused: Partial<Record<WebhookErrorCode, number>>;
  /** Events whose handler has run. */
  handled: number;
  /** Events that no handler is for. */
  ignored: number;
  /** Attempts that failed, the last ones included. */
  failed: number;
  /** Events that went to the dead letters. */
  dead: number;
  /** From an event's arrival to the end of its handler, over those handled. */
  lagMsSum: number;
  lagMsMax: number;
}

export interface ReceiverMetrics extends ReceiverCounters {
  receiver: string;
  /** Of the inbox, whoever put it there. */
  waiting: InboxStats['pending'];
  deadLetters: InboxStats['dead'];
  /** How long the event that has waited longest has waited; 0 when none waits. */
  lagMs: number;
  /** How long ago something new came last; `null` when nothing is remembered. */
  silentForMs: number | null;
}

export function createCounters(): ReceiverCounters {
  return {
    requests: 0,
    received: 0,
    duplicate: 0,
    refused: {},
    handled: 0,
    ignored: 0,
    failed: 0,
    dead: 0,
    lagMsSum: 0,
    lagMsMax: 0,
  };
}

/** Name, type, help, and the value in a receiver's metrics. */
const EXPOSED: readonly [string, 'counter' | 'gauge', string, (one: ReceiverMetrics) => number][] =
  [
    ['requests_total', 'counter', 'Requests of any kind', (one) => one.requests],
    ['received_total', 'counter', 'New events stored', (one) => one.received],
    ['duplicate_total', 'counter', 'Events that were known already', (one) => one.duplicate],
    ['handled_total', 'counter', 'Events whose handler has run', (one) => one.handled],
    ['ignored_total', 'counter', 'Events without a handler', (one) => one.ignored],
    ['failed_total', 'counter', 'Attempts of handlers that failed', (one) => one.failed],
    ['dead_total', 'counter', 'Events that went to the dead letters', (one) => one.dead],
    ['waiting', 'gauge', 'Events not handled yet', (one) => one.waiting],
    ['dead_letters', 'gauge', 'Events in the dead letters', (one) => one.deadLetters],
    ['lag_seconds', 'gauge', 'How long the oldest event has waited', (one) => one.lagMs / 1_000],
    [
      'handled_lag_seconds_total',
      'counter',
      'Sum of arrival to handled',
      (one) => one.lagMsSum / 1_000,
    ],
  ];

/** The text format of Prometheus, for `GET /metrics` of your own. */
export function formatMetrics(receivers: readonly ReceiverMetrics[]): string {
  const lines = EXPOSED.flatMap(([name, type, help, read]) => [
    ...headOf(name, type, help),
    ...receivers.map((one) => `${metricOf(name)}{receiver="${one.receiver}"} ${read(one)}`),
  ]);
  const refused = receivers.flatMap(({ receiver, refused }) =>
    Object.entries(refused).map(
      ([code, count]) =>
        `${metricOf('refused_total')}{receiver="${receiver}",code="${code}"} ${count}`,
    ),
  );
  return `${[...lines, ...headOf('refused_total', 'counter', 'Requests refused'), ...refused].join('\n')}\n`;
}

const metricOf = (name: string): string => `posthorn_receiver_${name}`;

function headOf(name: string, type: string, help: string): string[] {
  return [`# HELP ${metricOf(name)} ${help}.`, `# TYPE ${metricOf(name)} ${type}`];
}
