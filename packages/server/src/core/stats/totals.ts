import { percentileOf } from './latency-bins.ts';

/** What is counted of a message, in the order of its life: names of fields, and columns of CSV. */
export const COUNT_NAMES = [
  'accepted',
  'sent',
  'delivered',
  'deferred',
  'bounced',
  'rejected',
  'failed',
  'complained',
  'opened',
  'clicked',
  'unsubscribed',
] as const;

/** What a project counted in some time. */
export interface StatsTotals {
  accepted: number;
  sent: number;
  delivered: number;
  deferred: number;
  bounced: {
    total: number;
    byType: Record<string, number>;
    byCategory: Record<string, number>;
  };
  rejected: number;
  failed: number;
  complained: number;
  opened: number;
  clicked: number;
  unsubscribed: number;
  /** From when the message was taken; null where nothing says it. */
  latencyMs: { p50: number | null; p95: number | null };
}

/** Shares between 0 and 1; null where there is nothing to share. */
export interface StatsRates {
  delivery: number | null;
  bounce: number | null;
  complaint: number | null;
  open: number | null;
  click: number | null;
  unsubscribe: number | null;
}

/** `counts`: by metric. */
export function toTotals(counts: ReadonlyMap<string, number>): StatsTotals {
  const plain = (metric: string): number => Math.max(counts.get(metric) ?? 0, 0);
  const bounced: StatsTotals['bounced'] = { total: 0, byType: {}, byCategory: {} };
  const latencies = new Map<number, number>();
  for (const [metric, count] of counts) {
    const [name, first = '', second = ''] = metric.split('/');
    if (name === 'latency') latencies.set(Number(first), count);
    if (name !== 'bounced') continue;
    bounced.total += count;
    bounced.byType[first] = (bounced.byType[first] ?? 0) + count;
    bounced.byCategory[second] = (bounced.byCategory[second] ?? 0) + count;
  }
  return {
    accepted: plain('accepted'),
    sent: plain('sent'),
    delivered: plain('delivered'),
    deferred: plain('deferred'),
    bounced,
    rejected: plain('rejected'),
    failed: plain('failed'),
    complained: plain('complained'),
    opened: plain('opened'),
    clicked: plain('clicked'),
    unsubscribed: plain('unsubscribed'),
    latencyMs: { p50: percentileOf(latencies, 0.5), p95: percentileOf(latencies, 0.95) },
  };
}

/**
 * Delivery and bounce are shares of what has come to its end; complaints and the rest are shares of what was
 * delivered, as mailbox providers count them.
 */
export function toRates(totals: StatsTotals): StatsRates {
  const { delivered, bounced } = totals;
  const ended = delivered + bounced.total;
  return {
    delivery: share(delivered, ended),
    bounce: share(bounced.total, ended),
    complaint: share(totals.complained, delivered),
    open: share(totals.opened, delivered),
    click: share(totals.clicked, delivered),
    unsubscribe: share(totals.unsubscribed, delivered),
  };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((part / whole) * 1e6) / 1e6;
}
