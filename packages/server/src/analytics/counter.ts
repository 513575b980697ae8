import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import { COUNTED_TYPES, type CountedEvent, toCountedEvent } from '../core/stats/counted-event.ts';
import {
  bucketStart,
  type StatsCount,
  type StatsFirst,
  type StatsPlace,
} from '../core/stats/counts.ts';
import type { Clock } from '../lib/clock.ts';
import { createTally, type DayValues, markOf, type Tally } from './tally.ts';

/** The part of the store that keeps the sums. */
export interface CounterPlaces {
  all(): Promise<StatsPlace[]>;
  begin(): Promise<void>;
  advance(step: {
    place: StatsPlace;
    to: number;
    isDone: boolean;
    counts: readonly StatsCount[];
    firsts: readonly (StatsFirst & { projectId: string; retainUntilMs: number })[];
  }): Promise<void>;
  clear(place: StatsPlace): Promise<boolean>;
  startCounting(place: StatsPlace, live: StatsPlace): Promise<void>;
  valuesOfDay(
    projectId: string,
    dayMs: number,
  ): Promise<{ dimension: string; value: string; stream: string }[]>;
  firsts(projectId: string, marks: readonly string[]): Promise<StatsFirst[]>;
  purge(nowMs: number): Promise<void>;
}

/** The log in its order. */
export interface CounterFeed {
  acrossProjects(query: {
    projectId: string | null;
    follower: string;
    afterPosition: number;
    untilPosition: number | null;
    limit: number;
    types: readonly EventType[];
  }): Promise<{
    events: { projectId: string; messageKey: string | null; event: CanonicalEvent }[];
    position: number;
    atEnd: boolean;
  }>;
}

export interface CounterOptions {
  places: CounterPlaces;
  feed: CounterFeed;
  projectExists: (projectId: string) => boolean;
  /** How long a first open is known: as long as the events of the project. */
  retentionMs: (projectId: string) => number;
  clock: Clock;
  /** Events of one step. */
  batch?: number;
  /** Values of a dimension that a day has rows for. */
  maxValues?: number;
}

const BATCH = 1_000;
/** So that the charts of a project have no end of rows: its largest receiving domains come early in a day. */
export const MAX_VALUES = 200;
/** Between two full batches, so that what sends and delivers has the processor to itself. */
const PAUSE_MS = 50;
const LOOK_MS = 1_000;
/** Where a look has found many: what was just appended is at hand then, and need not be read (store/log/recent-events.ts). */
const BUSY_LOOK_MS = 250;
const MANY = 200;
const PURGE_MS = 600_000;
/** Days whose values are remembered. */
const REMEMBERED_DAYS = 128;

/**
 * Counts the log behind it. One node does, by one duty; who does it without having the duty any more is
 * refused by the place, which is committed together with the sums.
 */
export interface Counter {
  /** Resolves to how long to wait for the next step, ms. */
  step(): Promise<number>;
}

type Page = Awaited<ReturnType<CounterFeed['acrossProjects']>>['events'];
type Counted = { projectId: string; event: CountedEvent };

export function createCounter(options: CounterOptions): Counter {
  const { places, feed, clock } = options;
  const days = new Map<string, DayValues>();
  let countedTo = 0;
  let purgedAtMs = Number.NEGATIVE_INFINITY;

  async function readDays(counted: readonly Counted[]): Promise<void> {
    for (const { projectId, event } of counted) {
      const dayMs = bucketStart('day', event.atMs);
      const key = `${projectId}\n${dayMs}`;
      if (days.has(key)) continue;
      const values: DayValues = new Map();
      for (const { dimension, value, stream } of await places.valuesOfDay(projectId, dayMs)) {
        remember(values, dimension, value);
        remember(values, 'stream', stream);
      }
      days.set(key, values);
    }
  }

  async function readFirsts(counted: readonly Counted[]): Promise<Map<string, StatsFirst>> {
    const marks = new Map<string, Set<string>>();
    for (const { projectId, event } of counted) {
      if (event.uniqueFor !== null) remember(marks, projectId, markOf(event.uniqueFor));
    }
    const found = new Map<string, StatsFirst>();
    for (const [projectId, wanted] of marks) {
      for (const first of await places.firsts(projectId, [...wanted])) {
        found.set(`${projectId}\n${first.mark}`, first);
      }
    }
    return found;
  }

  async function tally(counted: readonly Counted[], all: readonly StatsPlace[]): Promise<Tally> {
    if (days.size > REMEMBERED_DAYS) days.clear();
    await readDays(counted);
    const firsts = await readFirsts(counted);
    const recounts = new Map(all.map((place) => [place.projectId, place]));
    const sums = createTally({
      nowMs: clock.now(),
      maxValues: options.maxValues ?? MAX_VALUES,
      valuesOf: (projectId, dayMs) => days.get(`${projectId}\n${dayMs}`) ?? new Map(),
      firstOf(projectId, mark) {
        const first = firsts.get(`${projectId}\n${mark}`);
        const recount = recounts.get(projectId);
        if (first === undefined || recount === undefined) return first;
        // Its count was cleared, and it is found again.
        const isCleared = first.generation < recount.generation && first.atMs >= recount.floorMs;
        return isCleared ? undefined : first;
      },
      generationOf: (projectId) => recounts.get(projectId)?.generation ?? 0,
    });
    for (const { projectId, event } of counted) sums.add(projectId, event);
    return sums;
  }

  /** One step of the whole log, or of a recount. Resolves to when the next one is due. */
  async function count(place: StatsPlace, all: readonly StatsPlace[]): Promise<number> {
    const isLive = place.state === 'live';
    const page = await feed.acrossProjects({
      projectId: isLive ? null : place.projectId,
      follower: 'counter',
      afterPosition: place.position,
      untilPosition: place.untilPosition,
      limit: options.batch ?? BATCH,
      types: COUNTED_TYPES,
    });
    if (page.position === place.position && isLive) return LOOK_MS;
    const counted = readPage(page.events).filter(({ event }) => event.atMs >= place.floorMs);
    const sums = await tally(counted, all);
    const nowMs = clock.now();
    await places.advance({
      place,
      to: page.position,
      isDone: !isLive && page.atEnd,
      counts: sums.counts(),
      firsts: sums.firsts().map((first) => ({
        ...first,
        retainUntilMs: nowMs + options.retentionMs(first.projectId),
      })),
    });
    if (isLive) countedTo = page.position;
    if (!page.atEnd) return PAUSE_MS;
    return page.events.length >= MANY ? BUSY_LOOK_MS : LOOK_MS;
  }

  function readPage(events: Page): Counted[] {
    return events.flatMap(({ projectId, messageKey, event }) => {
      const counted = options.projectExists(projectId) ? toCountedEvent(event, messageKey) : null;
      return counted === null ? [] : [{ projectId, event: counted }];
    });
  }

  async function recount(place: StatsPlace, all: readonly StatsPlace[]): Promise<void> {
    if (place.state === 'counting') {
      await count(place, all);
      return;
    }
    // What was known of those days goes with them.
    days.clear();
    const live = all.find(({ state }) => state === 'live');
    if (!(await places.clear(place)) && live !== undefined) await places.startCounting(place, live);
  }

  const isOpen = ({ state }: StatsPlace): boolean => state === 'clearing' || state === 'counting';

  async function round(): Promise<number> {
    const all = await places.all();
    const live = all.find(({ state }) => state === 'live');
    if (live === undefined) {
      await places.begin();
      return PAUSE_MS;
    }
    // Another node has counted meanwhile.
    if (live.position !== countedTo) days.clear();
    let waitMs = await count(live, all);
    if (all.some(isOpen)) {
      // The live place has moved.
      const moved = await places.all();
      const open = moved.find(isOpen);
      if (open !== undefined) {
        await recount(open, moved);
        waitMs = PAUSE_MS;
      }
    }
    if (clock.now() - purgedAtMs >= PURGE_MS) {
      await places.purge(clock.now());
      purgedAtMs = clock.now();
    }
    return waitMs;
  }

  return {
    async step() {
      try {
        return await round();
      } catch (error) {
        // What was let in is not stored.
        days.clear();
        throw error;
      }
    },
  };
}

function remember(sets: Map<string, Set<string>>, name: string, value: string): void {
  const set = sets.get(name) ?? new Set<string>();
  sets.set(name, set.add(value));
}
