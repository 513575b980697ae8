import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import { timeOfId } from '../../core/ids.ts';
import {
  NEW_PLACE,
  type SinkLane,
  type SinkPlace,
  type SinkRecord,
  type SinkRefusal,
} from '../../core/sink.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { type ItemRefusal, type SinkConnection, type SinkItem, SinkTrouble } from '../contract.ts';
import { sendSplitting } from '../sending/send-splitting.ts';
import { type FoundEvent, prepare, type Transform } from './prepare.ts';

type LaneKey = Pick<SinkRecord, 'projectId' | 'id'> & { lane: SinkLane };

/** The part of the store that says how far a lane has come. */
export interface LanePlaces {
  get(lane: LaneKey): Promise<SinkPlace | null>;
  advance(
    lane: LaneKey,
    step: {
      from: number;
      to: number;
      sent: number;
      refusals: readonly SinkRefusal[];
      nowMs: number;
      retainUntilMs: number;
    },
  ): Promise<void>;
  fail(
    lane: LaneKey,
    trouble: {
      from: number;
      failures: number;
      failingSinceMs: number;
      retryAtMs: number;
      note: NonNullable<SinkPlace['lastError']>;
    },
  ): Promise<void>;
  end(sink: Pick<SinkRecord, 'projectId' | 'id'>): Promise<void>;
}

/** The log in its order. */
export interface LaneFeed {
  after(query: {
    projectId: string;
    follower: string;
    afterPosition: number;
    limit: number;
    types: readonly EventType[] | null;
    messageKey: null;
    recipient: null;
  }): Promise<{
    events: FoundEvent[];
    position: number;
    atEnd: boolean;
  }>;
}

export interface SinkLaneOptions {
  sink: LaneKey;
  batch: number;
  /** Exact types; null for all. */
  types: readonly EventType[] | null;
  wants: (event: CanonicalEvent) => boolean;
  transform: Transform | null;
  /** So long after a batch the next one waits, however much there is. */
  spacingMs: number;
  open(): Promise<SinkConnection>;
  places: LanePlaces;
  feed: LaneFeed;
  /** For refused events. */
  retentionMs: () => number;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** How long a batch may take, ms. */
const SEND_MS = 60_000;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 300_000;
/** A destination may ask for more than that, but not for days. */
const MAX_ASKED_MS = 3_600_000;
/** Places at which there was nothing for the sink are stored this often, so that an idle one writes little. */
const IDLE_STORE_MS = 10_000;

/**
 * One step of a sink along the log: reads what follows its place, sends it, and stores the new place.
 * What is stored only afterwards comes again when the process ends in between: at least once, in order.
 */
export interface LaneRunner {
  /** Resolves to how long to wait for the next step, ms; null when the lane has nothing to do. */
  step(): Promise<number | null>;
  /** How old the last event was when it was sent or put aside, ms; 0 before the first. */
  behindMs(): number;
  close(): Promise<void>;
}

export function createLaneRunner(options: SinkLaneOptions): LaneRunner {
  const { sink, places, feed, clock } = options;
  let connection: SinkConnection | null = null;
  /** Behind its stored place, up to where there was nothing for it. */
  let passed = { stored: -1, to: -1, storedAtMs: Number.NEGATIVE_INFINITY };
  /** The next try of a batch that failed ends where that did: a destination may know it again then. */
  let failed = { from: -1, to: -1 };
  /**
   * Where the live lane stands when the next step follows at once: nobody else moves it, and the store would
   * refuse the step that began elsewhere. (A backfill may be stopped in between.)
   */
  let known: SinkPlace | null = null;
  /** When all had been sent, and the destination wants batches that are worth it: see restMs. */
  let restUntilMs = Number.NEGATIVE_INFINITY;
  let behindMs = 0;

  /** Never rejects: what went wrong is in the answer. */
  async function send(items: readonly SinkItem[]): Promise<Sent> {
    const late = new AbortController();
    const cancel = clock.after(SEND_MS, () => late.abort());
    try {
      if (items.length === 0) return { taken: 0, refusals: [], trouble: null };
      connection ??= await options.open();
      const refusals = await sendSplitting(connection, items, late.signal);
      return { taken: items.length, refusals, trouble: null };
    } catch (error) {
      const trouble = toTrouble(error, late.signal);
      if (trouble.code === 'internal') {
        options.log.error({ sink: sink.id, error: messageOf(error) }, 'A sink broke');
      }
      return { taken: trouble.taken, refusals: trouble.refusals, trouble };
    } finally {
      cancel();
    }
  }

  async function hangUp(): Promise<void> {
    const old = connection;
    connection = null;
    await old?.close().catch(() => {});
  }

  async function readPlace(): Promise<SinkPlace | null> {
    const place = known;
    known = null;
    return place ?? (await places.get(sink));
  }

  /** Resolves to where the lane stands then. */
  async function advance(
    place: SinkPlace,
    to: number,
    sent: number,
    refusals: SinkRefusal[],
  ): Promise<SinkPlace> {
    const nowMs = clock.now();
    const { position: from } = place;
    const retainUntilMs = nowMs + options.retentionMs();
    await places.advance(sink, { from, to, sent, refusals, nowMs, retainUntilMs });
    passed = { stored: to, to, storedAtMs: nowMs };
    const lastSentAtMs = sent > 0 ? nowMs : place.lastSentAtMs;
    const refusingSinceMs =
      refusals.length > 0 ? (place.refusingSinceMs ?? nowMs) : place.refusingSinceMs;
    return {
      ...place,
      ...NEW_PLACE,
      position: to,
      sent: place.sent + sent,
      refused: place.refused + refusals.length,
      lastSentAtMs,
      refusingSinceMs: sent > 0 ? null : refusingSinceMs,
    };
  }

  async function fail(place: SinkPlace, from: number, trouble: SinkTrouble): Promise<number> {
    // A broken connection is not used again, whatever broke it.
    await hangUp();
    const gotOn = from > place.position;
    const failures = gotOn ? 1 : place.failures + 1;
    const waitMs = retryDelayMs(failures, trouble.retryAfterMs, options.random());
    const nowMs = clock.now();
    await places.fail(sink, {
      from,
      failures,
      failingSinceMs: gotOn ? nowMs : (place.failingSinceMs ?? nowMs),
      retryAtMs: nowMs + waitMs,
      note: { code: trouble.code, detail: trouble.message, atMs: nowMs },
    });
    return waitMs;
  }

  /** By its id, which has the time at which it came. */
  function ageOf(last: FoundEvent | undefined): number {
    return last === undefined ? 0 : clock.now() - timeOfId(last.event.id);
  }

  return {
    behindMs: () => behindMs,
    async step() {
      const restMs = sink.lane === 'live' ? restUntilMs - clock.now() : 0;
      if (restMs > 0) return restMs;
      const place = await readPlace();
      if (place === null) return null;
      const { position: from, untilPosition, retryAtMs } = place;
      const end = untilPosition ?? Number.POSITIVE_INFINITY;
      if (from >= end) {
        await places.end(sink);
        return null;
      }
      const spacedUntilMs = (place.lastSentAtMs ?? Number.NEGATIVE_INFINITY) + options.spacingMs;
      const waitMs = Math.max(retryAtMs ?? 0, spacedUntilMs) - clock.now();
      if (waitMs > 0) return waitMs;
      const last = failed.from === from ? Math.min(end, failed.to) : end;

      const page = await feed.after({
        projectId: sink.projectId,
        follower: `${sink.lane} ${sink.id}`,
        afterPosition: passed.stored === from ? passed.to : from,
        limit: options.batch,
        types: options.types,
        messageKey: null,
        recipient: null,
      });
      const found = page.events.filter(({ position }) => position <= last);
      const { items, broken } = await prepare(found, options.wants, options.transform);
      const { taken, refusals, trouble } = await send(items);
      behindMs = ageOf(found.at(-1));
      const to = trouble === null ? Math.min(page.position, last) : placeBehind(items, taken, from);

      let moved: SinkPlace | null = null;
      const isIdle = items.length + broken.length === 0 && untilPosition === null;
      if (isIdle && clock.now() - passed.storedAtMs < IDLE_STORE_MS) {
        passed = { ...passed, stored: from, to };
      } else if (to > from) {
        moved = await advance(place, to, taken - refusals.length, [
          ...broken.filter(({ position }) => position <= to).map(({ refusal }) => refusal),
          ...refusals.map(({ index, detail }) => {
            return { eventId: items[index]?.event.id ?? '', code: 'refused' as const, detail };
          }),
        ]);
      }
      if (trouble !== null) {
        failed = { from: Math.max(to, from), to: items.at(-1)?.position ?? last };
        return fail(place, Math.max(to, from), trouble);
      }
      failed = { from: -1, to: -1 };
      if (!page.atEnd || (last < end && page.position > last)) {
        if (sink.lane === 'live') known = moved;
        return 0;
      }
      if (untilPosition !== null) await places.end(sink);
      if (items.length > 0) restUntilMs = clock.now() + (connection?.restMs ?? 0);
      return null;
    },
    close: hangUp,
  };
}

interface Sent {
  taken: number;
  refusals: readonly ItemRefusal[];
  trouble: SinkTrouble | null;
}

/** Where a batch stands of which only the first items are done. */
function placeBehind(items: readonly SinkItem[], taken: number, from: number): number {
  return items[taken - 1]?.position ?? from;
}

function toTrouble(error: unknown, signal: AbortSignal): SinkTrouble {
  if (error instanceof SinkTrouble) return error;
  if (signal.aborted)
    return new SinkTrouble('timeout', `Nothing came back within ${SEND_MS / 1_000} s.`);
  return new SinkTrouble('internal', 'Posthorn failed inside; its log has the details.', {
    cause: error,
  });
}
/** Doubles from a second to five minutes, with up to a quarter less or more. */
export function retryDelayMs(failures: number, askedMs: number | null, random: number): number {
  const doubled = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS);
  const spread = doubled * (0.75 + random / 2);
  return Math.round(Math.max(spread, Math.min(askedMs ?? 0, MAX_ASKED_MS)));
}
