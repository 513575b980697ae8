import type { CanonicalEvent, EventAlert } from '@posthorn/sdk';

/** An event in a few words, for people: what happened, to whom, and why. */
export interface EventText {
  /** "Bounced: mila@example.com" */
  headline: string;
  /** Name and value, in the order in which they matter. */
  facts: [name: string, value: string][];
  /** How bad it is. */
  severity: 'info' | 'warning' | 'error';
}

const SEVERITIES: readonly [RegExp, EventText['severity']][] = [
  [/^email\.(bounced|complained|failed)$/, 'error'],
  [/^endpoint\.disabled$|^domain\.dns_error$|^delivery\.exhausted$/, 'error'],
  [/^email\.(deferred|rejected|overdue|unsubscribed)$/, 'warning'],
  [/^(endpoint\.failing|source\.stalled|account\.|suppression\.added)/, 'warning'],
];

export function toEventText(event: CanonicalEvent): EventText {
  const { type, data } = event;
  if (data.alert !== undefined) return toAlertText(type, data.alert);
  const what = sentence(type.slice(type.indexOf('.') + 1).replaceAll('_', ' '));
  const subject = type.startsWith('email.')
    ? what
    : `${sentence(type.split('.')[0] ?? '')} ${what.toLowerCase()}`;
  const whom = data.recipient ?? null;
  const facts: [string, string | null | undefined][] = [
    ['Message', data.message?.subject],
    ['From', data.message?.from],
    ['Reason', data.delivery?.response ?? data.reject?.reason ?? data.hold?.reason],
    ['Category', data.bounce?.category],
    ['Link', data.engagement?.url],
    ['Tags', data.tags?.join(', ')],
    ['Time', event.timestamp],
    ['Event', event.id],
  ];
  return {
    headline: whom === null ? subject : `${subject}: ${whom}`,
    facts: facts.flatMap(([name, value]): [string, string][] =>
      value == null || value === '' ? [] : [[name, shorten(value)]],
    ),
    severity: SEVERITIES.find(([pattern]) => pattern.test(type))?.[1] ?? 'info',
  };
}

/** What fired is said in its own words. */
function toAlertText(type: string, alert: EventAlert): EventText {
  const { rule_name: name, sentence, about, fired_at: firedAt, resolved_at: resolvedAt } = alert;
  const isOver = type === 'alert.resolved';
  const facts: [string, string | null | undefined][] = [
    ['What', sentence],
    ['About', about?.name],
    ['Fired', firedAt],
    ['Resolved', resolvedAt],
    ['Alert', alert.id],
  ];
  return {
    headline: `${isOver ? 'Resolved' : 'Firing'}: ${name}`,
    facts: facts.flatMap(([fact, value]): [string, string][] =>
      value == null ? [] : [[fact, shorten(value)]],
    ),
    severity: isOver ? 'info' : 'error',
  };
}

const MAX_CHARS = 500;

function shorten(text: string): string {
  return text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS - 1)}…`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
