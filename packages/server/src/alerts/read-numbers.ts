import type { AlertReading, AlertRule } from '../core/alerts/alert-rule.ts';
import { SUMMED_SCOPES } from '../core/alerts/alert-types.ts';
import { bucketStart, GRAIN_MS, OTHER_VALUE, oldestKept } from '../core/stats/counts.ts';
import type { StatsTotals } from '../core/stats/totals.ts';
import type { AlertSight, SumFilter, SumWindow } from './sight.ts';

type Sums = AlertSight['sums'];
export type WatchedRule = Pick<
  AlertRule,
  'projectId' | 'type' | 'scope' | 'threshold' | 'windowMs' | 'minVolume'
>;

const HOUR_MS = 3_600_000;
export const WEEK_MS = 7 * 24 * HOUR_MS;
/** Longer windows go by the hour: sums by the minute of days would be read for a difference of some percent. */
const BY_MINUTE_MS = 6 * HOUR_MS;
/** The weeks before that a drop is held against. */
export const WEEKS = 4;

export function filterOf({
  projectId,
  scope,
}: Pick<WatchedRule, 'projectId' | 'scope'>): SumFilter {
  const dimension = SUMMED_SCOPES.find((name) => scope[name] !== undefined) ?? 'all';
  return {
    projectId,
    dimension,
    value: dimension === 'all' ? null : (scope[dimension] ?? null),
    stream: scope.stream ?? null,
  };
}

/** The buckets of the last so many ms. */
export function windowUntil(nowMs: number, lengthMs: number): SumWindow {
  const grain = lengthMs <= BY_MINUTE_MS ? 'minute' : 'hour';
  return { grain, fromMs: bucketStart(grain, nowMs - lengthMs), toMs: nowMs + 1 };
}

/** A rate or a count out of what was counted in the window. Null: the type goes by something else. */
export function readTotals(
  { type, threshold, minVolume }: Pick<WatchedRule, 'type' | 'threshold' | 'minVolume'>,
  { delivered, bounced, complained, deferred }: StatsTotals,
): Omit<AlertReading, 'subject'> {
  const line = threshold ?? 1;
  const rate = (part: number, volume: number): Omit<AlertReading, 'subject'> => {
    const isEnough = volume > 0 && volume >= (minVolume ?? 1);
    return { value: isEnough ? part / volume : null, volume, part, threshold: line };
  };
  switch (type) {
    case 'bounce_rate':
      return rate(bounced.total, delivered + bounced.total);
    case 'complaint_rate':
      return rate(complained, delivered);
    case 'destination_deferring':
      return rate(deferred, deferred + delivered + bounced.total);
    default:
      return { value: complained, volume: null, part: null, threshold: line };
  }
}

/** What rules about rates and counts of mail say now. */
export async function readMail(
  sums: Sums,
  rule: WatchedRule,
  nowMs: number,
): Promise<AlertReading[]> {
  const window = windowUntil(nowMs, rule.windowMs ?? HOUR_MS);
  const { scope } = rule;
  const filter = filterOf(rule);
  if (rule.type !== 'destination_deferring') {
    return [{ subject: null, ...readTotals(rule, await sums.totals(filter, window)) }];
  }
  // Where all of them together put off too little, none of them does enough, and the rows of each need not be read.
  const everywhere: SumFilter =
    scope.receiving_domain === undefined ? { ...filter, dimension: 'all' } : filter;
  const { deferred } = await sums.totals(everywhere, window);
  if (deferred < (rule.threshold ?? 1) * (rule.minVolume ?? 1)) return [];
  const groups = await sums.groups({ ...filter, dimension: 'receiving_domain' }, window, 'value');
  return groups
    .filter(({ value }) => value !== OTHER_VALUE)
    .map(({ value, totals }) => ({
      subject: { kind: 'receiving_domain', id: value, name: value },
      ...readTotals(rule, totals),
    }));
}

/**
 * How much less there is than usual. Usual is the middle of what there was at the same time of the four weeks
 * before, as far as the project existed then: nights, weekends and a newsletter each Tuesday are in it, and a
 * single holiday or burst is not.
 */
export async function readDrop(
  sums: Sums,
  rule: WatchedRule,
  { nowMs, createdAtMs }: { nowMs: number; createdAtMs: number },
): Promise<AlertReading> {
  const lengthMs = rule.windowMs ?? HOUR_MS;
  const filter = filterOf(rule);
  const fromMs = nowMs - lengthMs;
  const current = volumeOf(await sums.totals(filter, windowUntil(nowMs, lengthMs)));
  const before: number[] = [];
  for (let week = 1; week <= WEEKS; week++) {
    const startMs = fromMs - week * WEEK_MS;
    if (startMs < createdAtMs || startMs < oldestKept('hour', nowMs)) break;
    before.push(await volumeBetween(sums, filter, startMs, startMs + lengthMs));
  }
  return toDrop(rule, current, before);
}

/** `before`: what there was in each of the weeks before. */
export function toDrop(
  { threshold, minVolume }: Pick<WatchedRule, 'threshold' | 'minVolume'>,
  current: number,
  before: readonly number[],
): AlertReading {
  const usual = medianOf(before);
  const isEnough = usual !== null && usual >= Math.max(minVolume ?? 1, 1);
  return {
    subject: null,
    value: isEnough ? Math.max(0, 1 - current / usual) : null,
    volume: usual === null ? null : Math.round(usual),
    part: current,
    threshold: threshold ?? 1,
  };
}

/** Messages of ours count when they are taken; of other providers, what is heard first is counted. */
export function volumeOf({ accepted, sent, delivered, bounced }: StatsTotals): number {
  return Math.max(accepted, sent, delivered + bounced.total);
}

/** Sums of the past are by the hour: of the first and the last one, the part that is asked for. */
async function volumeBetween(
  sums: Sums,
  filter: SumFilter,
  fromMs: number,
  toMs: number,
): Promise<number> {
  const window: SumWindow = { grain: 'hour', fromMs: bucketStart('hour', fromMs), toMs };
  let volume = 0;
  for (const { atMs, totals } of await sums.series(filter, window)) {
    volume += volumeOf(totals) * shareOf(atMs, fromMs, toMs);
  }
  return volume;
}

/** Of the hour that begins at `atMs`, the share that lies in the time asked for. */
export function shareOf(atMs: number, fromMs: number, toMs: number): number {
  const endMs = atMs + GRAIN_MS.hour;
  return Math.max(0, Math.min(endMs, toMs) - Math.max(atMs, fromMs)) / GRAIN_MS.hour;
}

function medianOf(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? null : (upper + lower) / 2;
}
