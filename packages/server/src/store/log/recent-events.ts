import type { Clock } from '../../lib/clock.ts';
import type { LoggedEvent } from './event-feed.ts';

/**
 * What this process has just appended, in memory: who follows the log closely need not have read and parsed what
 * was written a moment ago. Only where nobody else appends.
 */
export interface RecentEvents {
  /** Called after the commit, in the order of the log. */
  add(event: LoggedEvent): void;
  /** What stands behind this place; null when not all of it is here, and the log has to be read. */
  page(query: {
    /** Who asks again and again: what all of them are past is not kept. */
    follower: string | null;
    afterPosition: number;
    limit: number;
    wants(event: LoggedEvent): boolean;
  }): { events: LoggedEvent[]; position: number; atEnd: boolean } | null;
  /** Stored events were changed: they are to be read again. */
  clear(): void;
}

/** Sinks and the counter look four times a second while events come: what is older than this they have had. */
const KEPT_MS = 1_000;
/** As JSON, together: some ten thousand usual events, which take about 30 MB as objects and text; or a few large ones. */
const KEPT_CHARS = 8_000_000;

export function createRecentEvents(options: {
  clock: Pick<Clock, 'now'>;
  keptChars?: number;
}): RecentEvents {
  const { clock, keptChars = KEPT_CHARS } = options;
  /** From `head` on, with places one behind the other. */
  let events: LoggedEvent[] = [];
  let head = 0;
  let chars = 0;
  /** Everything behind `floor` and up to `last` is here. */
  let floor = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  /** What was here already when the time was last looked at goes when it is looked at again. */
  let old = { upTo: last, atMs: Number.NEGATIVE_INFINITY };
  /** Where followers stand that have asked since then. */
  const places = new Map<string, number>();

  function dropUpTo(place: number): void {
    for (; floor < place; floor += 1) {
      chars -= events[head]?.json.length ?? 0;
      head += 1;
    }
    // Each is moved once or so, and what was dropped is soon held by nobody.
    if (head * 2 < events.length) return;
    events = events.slice(head);
    head = 0;
  }

  function dropOld(): void {
    const nowMs = clock.now();
    if (Math.abs(nowMs - old.atMs) < KEPT_MS) return;
    dropUpTo(old.upTo);
    old = { upTo: last, atMs: nowMs };
    places.clear();
  }

  function follow(follower: string, place: number): void {
    const isKnown = places.has(follower);
    places.set(follower, place);
    // Who has not asked yet may stand before those that have; who has read the log, behind what is here.
    if (isKnown) dropUpTo(Math.min(last, ...places.values()));
  }

  return {
    add(event) {
      const { position } = event;
      // Told late: what is here begins behind it.
      if (position <= last) return;
      if (position !== last + 1) {
        events = [];
        head = 0;
        chars = 0;
        floor = position - 1;
      }
      events.push(event);
      last = position;
      chars += event.json.length;
      while (chars > keptChars) dropUpTo(floor + 1);
      dropOld();
    },
    page({ follower, afterPosition, limit, wants }) {
      dropOld();
      if (follower !== null) follow(follower, afterPosition);
      if (afterPosition < floor || afterPosition > last) return null;
      const found: LoggedEvent[] = [];
      for (let i = head + afterPosition - floor; i < events.length; i++) {
        const event = events[i];
        if (event === undefined || !wants(event)) continue;
        found.push(event);
        const { position } = event;
        if (found.length === limit) return { events: found, position, atEnd: position === last };
      }
      return { events: found, position: last, atEnd: true };
    },
    clear: () => dropUpTo(last),
  };
}
