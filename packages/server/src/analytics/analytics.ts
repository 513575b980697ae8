import {
  bucketStart,
  GRAIN_MS,
  type Grain,
  oldestKept,
  type StatsDimension,
  type StatsPlace,
} from '../core/stats/counts.ts';
import { type StatsWindow, windowBefore } from '../core/stats/stats-window.ts';
import { type StatsTotals, toTotals } from '../core/stats/totals.ts';
import type { Clock } from '../lib/clock.ts';

/** Places of the log that are counted within a few seconds. */
const MUCH = 10_000;

/** What a question may be narrowed to: a stream, and one value of one dimension. */
export interface StatsFilter {
  projectId: string;
  dimension: StatsDimension;
  /** Null with the dimension `all`, and for all values of another one. */
  value: string | null;
  stream: string | null;
}

/** The part of the store that adds up. */
export interface AnalyticsSums {
  sum(
    query: StatsFilter & { grain: Grain; fromMs: number; toMs: number },
    by: 'starts_at' | 'value' | 'stream',
  ): Promise<{ key: string | number; metric: string; count: number }[]>;
}

export interface AnalyticsPlaces<S> {
  all(): Promise<StatsPlace[]>;
  recount(projectId: string, floorMs: number, beside: readonly S[]): Promise<void>;
}

/** What was sent and what became of it, from sums that were made before. `S`: a statement of the store. */
export interface Analytics<S> {
  /** A bucket for each step of the window, those without events too. */
  series(
    filter: StatsFilter,
    window: StatsWindow,
  ): Promise<{ atMs: number; totals: StatsTotals }[]>;
  totals(filter: StatsFilter, window: StatsWindow): Promise<StatsTotals>;
  /** Of the time of the same length just before; null when that is not kept any more. */
  totalsBefore(
    filter: StatsFilter,
    window: StatsWindow,
  ): Promise<{ window: StatsWindow; totals: StatsTotals } | null>;
  /** By value of the filter's dimension, or by stream; the one with most deliveries and bounces first. */
  groups(
    filter: StatsFilter,
    window: StatsWindow,
    by: 'value' | 'stream',
  ): Promise<{ value: string; totals: StatsTotals }[]>;
  /**
   * What a project counted in the last so many ms, for who watches over it. By the minute within the last two
   * days, by the hour before.
   */
  recent(filter: StatsFilter, lastMs: number): Promise<StatsTotals>;
  /** How far the log is counted, and whether it is being counted anew for this project. */
  progress(projectId: string): Promise<{ isCatchingUp: boolean; isRecounting: boolean }>;
  /**
   * Counts what the log still has of a project once more, in the background. Resolves to since when: days
   * of which the log has lost something stay as they are.
   */
  recount(projectId: string, toBeside: (floorMs: number) => readonly S[]): Promise<number>;
}

export function createAnalytics<S>(options: {
  sums: AnalyticsSums;
  places: AnalyticsPlaces<S>;
  logEnd: () => Promise<number>;
  /** For how long the log keeps the events of a project, ms. */
  retentionMs: (projectId: string) => number;
  clock: Clock;
}): Analytics<S> {
  const { sums, places, clock } = options;

  async function totals(filter: StatsFilter, window: StatsWindow): Promise<StatsTotals> {
    const by = collect(await sums.sum({ ...filter, ...window }, 'stream'));
    const counts = new Map<string, number>();
    for (const one of by.values()) for (const [metric, count] of one) add(counts, metric, count);
    return toTotals(counts);
  }

  return {
    totals,
    async series(filter, window) {
      const found = collect(await sums.sum({ ...filter, ...window }, 'starts_at'));
      const series = [];
      for (let atMs = window.fromMs; atMs < window.toMs; atMs += GRAIN_MS[window.grain]) {
        series.push({ atMs, totals: toTotals(found.get(atMs) ?? new Map()) });
      }
      return series;
    },
    async totalsBefore(filter, window) {
      const before = windowBefore(window, clock.now());
      return before === null ? null : { window: before, totals: await totals(filter, before) };
    },
    async groups(filter, window, by) {
      const found = collect(await sums.sum({ ...filter, ...window }, by));
      const groups = [...found].map(([key, counts]) => {
        return { value: String(key), totals: toTotals(counts) };
      });
      return groups.sort((a, b) => weightOf(b.totals) - weightOf(a.totals));
    },
    recent(filter, lastMs) {
      const nowMs = clock.now();
      const grain = nowMs - lastMs >= oldestKept('minute', nowMs) ? 'minute' : 'hour';
      const fromMs = bucketStart(grain, nowMs - lastMs);
      return totals(filter, { grain, fromMs, toMs: nowMs + 1 });
    },
    async progress(projectId) {
      const all = await places.all();
      const position = all.find(({ state }) => state === 'live')?.position ?? 0;
      const own = all.find((place) => place.projectId === projectId);
      return {
        // No more than that: the log is of all projects, and how it grows is nobody's business.
        isCatchingUp: (await options.logEnd()) - position > MUCH,
        isRecounting: own !== undefined && own.state !== 'done',
      };
    },
    async recount(projectId, toBeside) {
      const nowMs = clock.now();
      // The day in which the retention ends is known in part only.
      const kept = bucketStart('day', nowMs - options.retentionMs(projectId)) + GRAIN_MS.day;
      const floorMs = Math.min(kept, bucketStart('day', nowMs));
      await places.recount(projectId, floorMs, toBeside(floorMs));
      return floorMs;
    },
  };
}

function collect(
  rows: readonly { key: string | number; metric: string; count: number }[],
): Map<string | number, Map<string, number>> {
  const found = new Map<string | number, Map<string, number>>();
  for (const { key, metric, count } of rows) {
    const counts = found.get(key) ?? new Map<string, number>();
    add(counts, metric, count);
    found.set(key, counts);
  }
  return found;
}

function add(counts: Map<string, number>, metric: string, count: number): void {
  counts.set(metric, (counts.get(metric) ?? 0) + count);
}

function weightOf({ accepted, sent, delivered, bounced }: StatsTotals): number {
  return Math.max(accepted, sent, delivered + bounced.total);
}
