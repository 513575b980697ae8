import type { Query } from '../../api/client.ts';
import type { StatsTotals } from '../../api/objects.ts';
import { type PeriodFilters, toRange } from '../../api/period.ts';

/** By which sums are kept, each for itself: one of them narrows a question, and one groups it. */
export const DIMENSIONS = ['tag', 'sending_domain', 'receiving_domain', 'provider'] as const;
export type Dimension = (typeof DIMENSIONS)[number];
export const GROUPINGS = ['stream', ...DIMENSIONS] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** What the page shows, as it stands in the address. */
export interface StatsFilters extends PeriodFilters, Partial<Record<Grouping, string>> {
  group_by?: string;
  /** `none`: without the time before. */
  compare?: string;
}

export const USUAL_PERIOD = 'week';

/** The server groups at most by so many. */
const MOST_GROUPS = 100;

/** What the question is narrowed to, beside the stream. */
export function narrowedTo(filters: StatsFilters): { dimension: Dimension; value: string } | null {
  for (const dimension of DIMENSIONS) {
    const value = filters[dimension];
    if (value !== undefined) return { dimension, value };
  }
  return null;
}

/** Of sums that are kept for each dimension alone, what is narrowed to one can only be split by stream. */
export function groupingOf(filters: StatsFilters): Grouping {
  if (narrowedTo(filters) !== null) return 'stream';
  return GROUPINGS.find((one) => one === filters.group_by) ?? 'receiving_domain';
}

export function timeOf(filters: PeriodFilters, nowMs: number): Query {
  return toRange({ ...filters, period: filters.period ?? USUAL_PERIOD }, nowMs);
}

/** What the API is asked. */
export function toStatsQuery(filters: StatsFilters, nowMs: number): Query {
  const narrowed = narrowedTo(filters);
  return {
    ...timeOf(filters, nowMs),
    stream: filters.stream,
    ...(narrowed === null ? {} : { [narrowed.dimension]: narrowed.value }),
  };
}

export function toGroupsQuery(filters: StatsFilters, nowMs: number): Query {
  return { ...toStatsQuery(filters, nowMs), group_by: groupingOf(filters), limit: MOST_GROUPS };
}

export function isNarrowed(filters: StatsFilters): boolean {
  return filters.stream !== undefined || narrowedTo(filters) !== null;
}

/** Whether anything was counted at all. */
export function isNothing(totals: StatsTotals): boolean {
  const { delivery_latency_ms: _l, bounced_by_type: _t, bounced_by_category: _c, ...rest } = totals;
  const { rates: _r, ...counts } = rest;
  return Object.values(counts).every((count) => count === 0);
}

/** What comes after the first values of a day: it is no value, and cannot be asked for. */
export const REST = '(other)';
