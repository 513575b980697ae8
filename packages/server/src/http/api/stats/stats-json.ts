import { z } from 'zod';
import { GRAINS } from '../../../core/stats/counts.ts';
import type { StatsWindow } from '../../../core/stats/stats-window.ts';
import { COUNT_NAMES, type StatsTotals, toRates } from '../../../core/stats/totals.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { timestampSchema } from '../schemas.ts';

const count = z.number().int();
const share = z.number().nullable();

export const ratesSchema = z
  .object({
    delivery: share.describe('delivered / (delivered + bounced).'),
    bounce: share.describe('bounced / (delivered + bounced).'),
    complaint: share.describe('complained / delivered.'),
    open: share.describe('opened / delivered.'),
    click: share.describe('clicked / delivered.'),
    unsubscribe: share.describe('unsubscribed / delivered.'),
  })
  .describe('Shares between 0 and 1; null where there is nothing to share.');

export const totalsSchema = z.object({
  accepted: count,
  sent: count,
  delivered: count,
  deferred: count.describe('Attempts that are made again later: a message may have several.'),
  bounced: count,
  bounced_by_type: z.record(z.string(), count).describe('hard, soft, undetermined.'),
  bounced_by_category: z.record(z.string(), count),
  rejected: count,
  failed: count,
  complained: count,
  opened: count.describe('Once for a message and recipient, when it was first; not by machines.'),
  clicked: count.describe('Likewise.'),
  unsubscribed: count,
  delivery_latency_ms: z
    .object({ p50: count.nullable(), p95: count.nullable() })
    .describe(
      'From when the message was taken to its delivery, out of a histogram whose steps double; null where nothing says it.',
    ),
  rates: ratesSchema,
});

export const windowSchema = {
  from: timestampSchema.describe('The first bucket begins here.'),
  to: timestampSchema.describe('The last one ends here.'),
  interval: z.enum(GRAINS),
};

export function toWindowJson({ grain, fromMs, toMs }: StatsWindow) {
  return { from: toTimestamp(fromMs), to: toTimestamp(toMs), interval: grain };
}

export function toTotalsJson(totals: StatsTotals): z.input<typeof totalsSchema> {
  const { bounced, latencyMs, ...plain } = totals;
  return {
    ...plain,
    bounced: bounced.total,
    bounced_by_type: bounced.byType,
    bounced_by_category: bounced.byCategory,
    delivery_latency_ms: latencyMs,
    rates: toRates(totals),
  };
}

/** One row for each bucket or group (RFC 4180). */
export function toStatsCsv(
  head: 'start' | 'value',
  rows: readonly { name: string; totals: z.input<typeof totalsSchema> }[],
): string {
  const lines = rows.map(({ name, totals }) => [
    quote(name),
    ...COUNT_NAMES.map((metric) => totals[metric]),
    totals.bounced_by_type['hard'] ?? 0,
    totals.bounced_by_type['soft'] ?? 0,
    totals.delivery_latency_ms.p50 ?? '',
    totals.delivery_latency_ms.p95 ?? '',
  ]);
  const heads = [
    head,
    ...COUNT_NAMES,
    'bounced_hard',
    'bounced_soft',
    'latency_p50_ms',
    'latency_p95_ms',
  ];
  return [heads, ...lines].map((cells) => `${cells.join(',')}\r\n`).join('');
}

/** A tag may begin like a formula: a spreadsheet is not to run it. */
function quote(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
