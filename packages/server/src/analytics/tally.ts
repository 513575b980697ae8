import { createHash } from 'node:crypto';
import type { CountedEvent } from '../core/stats/counted-event.ts';
import {
  bucketStart,
  type CountedAs,
  GRAINS,
  OTHER_VALUE,
  oldestKept,
  type StatsCount,
  type StatsFirst,
} from '../core/stats/counts.ts';

/** The values that a day has so far, by what they are of. */
export type DayValues = Map<string, Set<string>>;

/** What counting one batch needs to know, and what it found. Belongs to that batch. */
export interface Tally {
  add(projectId: string, event: CountedEvent): void;
  counts(): StatsCount[];
  /** Those that are new, or earlier than before. */
  firsts(): (StatsFirst & { projectId: string })[];
}

export interface TallyOptions {
  nowMs: number;
  /** How many values of a dimension, and streams, a day has rows for. */
  maxValues: number;
  /** Is changed: what this batch has let in counts for the next one too. */
  valuesOf: (projectId: string, dayMs: number) => DayValues;
  /** What is stored of a mark; undefined when it is not counted, or no more. */
  firstOf: (projectId: string, mark: string) => StatsFirst | undefined;
  generationOf: (projectId: string) => number;
}

/** Adds events up, the same whatever their order: an open or click counts when it happened first. */
export function createTally(options: TallyOptions): Tally {
  const { nowMs, maxValues } = options;
  /** What happened in the same minute and is counted alike, by all that it is counted by. */
  const alike = new Map<
    string,
    { projectId: string; atMs: number; as: CountedAs; count: number }
  >();
  const firsts = new Map<string, StatsFirst & { projectId: string }>();

  function count(projectId: string, atMs: number, as: CountedAs, by: 1 | -1): void {
    const minuteMs = bucketStart('minute', atMs);
    const key = JSON.stringify([projectId, minuteMs, as.stream, as.values, as.metrics]);
    const found = alike.get(key);
    if (found === undefined) alike.set(key, { projectId, atMs: minuteMs, as, count: by });
    else found.count += by;
  }

  /** A row for each grain, value and metric. */
  function counts(): StatsCount[] {
    const sums = new Map<string, StatsCount>();
    for (const { projectId, atMs, as, count } of alike.values()) {
      for (const grain of GRAINS) {
        const startMs = bucketStart(grain, atMs);
        // Deleted, or will be soon.
        if (startMs < oldestKept(grain, nowMs)) continue;
        for (const [dimension, value] of as.values) {
          for (const metric of as.metrics) {
            const { stream } = as;
            const fresh = { projectId, grain, dimension, startMs, value, stream, metric };
            const key = JSON.stringify(Object.values(fresh));
            const sum = sums.get(key);
            if (sum === undefined) sums.set(key, { ...fresh, count });
            else sum.count += count;
          }
        }
      }
    }
    return [...sums.values()].filter((sum) => sum.count !== 0);
  }

  function admit(values: DayValues, name: string, value: string): string {
    const known = values.get(name) ?? new Set<string>();
    values.set(name, known);
    if (!known.has(value) && known.size >= maxValues) return OTHER_VALUE;
    known.add(value);
    return value;
  }

  /** With `(other)` for what the day has no room for. */
  function fit(projectId: string, event: CountedEvent): CountedAs {
    const values = options.valuesOf(projectId, bucketStart('day', event.atMs));
    const fitted = event.values.map(
      ([dimension, value]) => [dimension, admit(values, dimension, value)] as const,
    );
    const once = new Map(fitted.map((one) => [one.join('\n'), one]));
    return {
      eventId: event.eventId,
      stream: admit(values, 'stream', event.stream),
      values: [...once.values()],
      metrics: event.metrics,
    };
  }

  return {
    add(projectId, event) {
      if (event.uniqueFor === null) {
        count(projectId, event.atMs, fit(projectId, event), 1);
        return;
      }
      const mark = markOf(event.uniqueFor);
      const key = `${projectId}\n${mark}`;
      const before = firsts.get(key) ?? options.firstOf(projectId, mark);
      if (before !== undefined && !isEarlier(event, before)) return;
      if (before !== undefined) count(projectId, before.atMs, before.counted, -1);
      const counted = fit(projectId, event);
      count(projectId, event.atMs, counted, 1);
      const generation = options.generationOf(projectId);
      firsts.set(key, { projectId, mark, atMs: event.atMs, generation, counted });
    },
    counts,
    firsts: () => [...firsts.values()],
  };
}

/** Who has opened what stays unknown to who reads it. */
export function markOf(uniqueFor: NonNullable<CountedEvent['uniqueFor']>): string {
  return createHash('sha256').update(JSON.stringify(uniqueFor)).digest('base64url').slice(0, 22);
}

function isEarlier(event: CountedEvent, before: StatsFirst): boolean {
  if (event.atMs !== before.atMs) return event.atMs < before.atMs;
  return event.eventId < before.counted.eventId;
}
