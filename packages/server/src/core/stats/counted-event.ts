import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import { isAboutNotice } from '../mail/notice-tag.ts';
import type { StatsDimension } from './counts.ts';
import { NO_STREAM } from './counts.ts';
import { latencyBin } from './latency-bins.ts';

/** Types whose events are counted one by one, by the name of their metric. */
const PLAIN_METRICS: Partial<Record<EventType, string>> = {
  'email.accepted': 'accepted',
  'email.sent': 'sent',
  'email.deferred': 'deferred',
  'email.rejected': 'rejected',
  'email.failed': 'failed',
  'email.complained': 'complained',
  'email.unsubscribed': 'unsubscribed',
};

/** Counted once for a message and recipient, and not when a machine did it. */
const UNIQUE_METRICS: Partial<Record<EventType, string>> = {
  'email.opened': 'opened',
  'email.clicked': 'clicked',
};

export const COUNTED_TYPES: readonly EventType[] = [
  ...(Object.keys(PLAIN_METRICS) as EventType[]),
  ...(Object.keys(UNIQUE_METRICS) as EventType[]),
  'email.delivered',
  'email.bounced',
];

/** An event as analytics see it. */
export interface CountedEvent {
  eventId: string;
  atMs: number;
  stream: string;
  values: (readonly [StatsDimension, string])[];
  metrics: string[];
  /** What it counts once for; null where each one counts. */
  uniqueFor: readonly [metric: string, messageKey: string, recipient: string] | null;
}

/** Longer values are cut: they are shown in tables. A domain has at most 253 characters. */
const MAX_VALUE_CHARS = 253;

/** Null for what is not counted: samples, machines, mails of Posthorn's own, other types. */
export function toCountedEvent(
  event: CanonicalEvent,
  messageKey: string | null,
): CountedEvent | null {
  const { data } = event;
  // A rule that counted the mails that it has sent itself would fire because it fires.
  if (data.test === true || isAboutNotice(event)) return null;
  const unique = UNIQUE_METRICS[event.type];
  // An erased person's opens can be told apart from nobody else's any more.
  if (unique !== undefined && (data.engagement?.machine === true || data.erased === true)) {
    return null;
  }
  const metrics = unique === undefined ? metricsOf(event) : [unique];
  const atMs = Date.parse(event.timestamp);
  if (metrics.length === 0 || Number.isNaN(atMs)) return null;
  const { recipient } = data;
  return {
    eventId: event.id,
    atMs,
    stream: cut(data.message?.stream ?? NO_STREAM),
    values: valuesOf(event),
    metrics,
    uniqueFor:
      unique === undefined || messageKey === null || recipient == null
        ? null
        : [unique, messageKey, recipient],
  };
}

function metricsOf({ type, timestamp, data }: CanonicalEvent): string[] {
  if (type === 'email.bounced') {
    const { type: kind, category } = data.bounce ?? { type: 'undetermined', category: 'other' };
    return [`bounced/${kind}/${category}`];
  }
  if (type === 'email.delivered') {
    const sentMs = Date.parse(data.message?.sent_at ?? '');
    const bin = latencyBin(Date.parse(timestamp) - sentMs);
    return bin === null ? ['delivered'] : ['delivered', `latency/${bin}`];
  }
  const metric = PLAIN_METRICS[type];
  return metric === undefined ? [] : [metric];
}

function valuesOf({ data }: CanonicalEvent): CountedEvent['values'] {
  const from = domainOf(data.message?.from);
  const to = domainOf(data.recipient) ?? data.recipient_domain;
  const tags = [...new Set(data.tags?.map(cut) ?? [])];
  return [
    ['all', ''],
    ...tags.map((tag) => ['tag', tag] as const),
    ...(from ? [['sending_domain', from] as const] : []),
    ...(to ? [['receiving_domain', cut(to)] as const] : []),
    ...(data.provider ? [['provider', cut(data.provider)] as const] : []),
  ];
}

/** Of an address, or of a name with an address in angle brackets. */
function domainOf(address: string | null | undefined): string | undefined {
  const domain = address?.match(/@([^@\s<>]+)>?\s*$/)?.[1]?.toLowerCase();
  return domain === undefined ? undefined : cut(domain);
}

const cut = (value: string): string => value.slice(0, MAX_VALUE_CHARS);
