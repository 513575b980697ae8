import { URGENCIES, type Urgency } from '../core/events/urgency.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type ClaimedDelivery, type Engine, StoreUnavailable } from '../store/engine.ts';
import type { Deliveries } from '../store/webhooks/deliveries.ts';
import {
  isWaiting,
  type Lane,
  noteStored,
  putPaged,
  type ReadyDelivery,
  roomForPaged,
  takeAll,
} from './lane.ts';
import type { Shares } from './shares.ts';

/** Brings deliveries from the store into lanes, and back. */
export interface Paging {
  /** Reads due deliveries back when there is room, or has the lane wake when the first will be due. */
  pageIn(lane: Lane): void;
  /** Gives everything that waits in the lane back to the store. Rejects when the store refuses. */
  giveBack(lane: Lane): Promise<void>;
  /** The same for a lane that may not work any more; what cannot be given back now is kept. */
  letGo(lane: Lane): Promise<void>;
  /** Gives a line back, behind the delivery that failed before it. */
  giveBackLine(lane: Lane, line: readonly ReadyDelivery[]): void;
  /** Gives one delivery back that no lane holds any more. */
  giveBackOne(key: { projectId: string; endpointId: string; eventId: string }): Promise<void>;
  /** Ends what waits in the store for an endpoint that was deleted. */
  cancelAll(projectId: string, endpointId: string): Promise<void>;
  /** For a stop: what waits for its next try is tried once more, now. */
  finish(): Promise<void>;
}

/** How long a claim or a release that failed waits for its next try, ms. */
const AGAIN_MS = 1_000;
/** How long a lane waits for memory that others hold, ms. */
const ROOM_AGAIN_MS = 100;
const CANCEL_AT_ONCE = 1_000;

export function createPaging(options: {
  engine: Pick<Engine, 'claimDeliveries'>;
  deliveries: Pick<Deliveries, 'release' | 'cancelWaiting'>;
  shares: Shares;
  clock: Clock;
  log: Log;
  node: string;
  /** No claims while it says no. */
  canWork: (lane: Lane) => boolean;
  stopping: () => boolean;
  /** Something has changed for the lane: let it look. */
  wake: (lane: Lane) => void;
  wakeAt: (lane: Lane, atMs: number) => void;
}): Paging {
  const { engine, deliveries, shares, clock, log, node } = options;
  const unsettled = new Set<Promise<void>>();
  /** Each ends a wait for the next try. */
  const waits = new Set<() => void>();

  function pageIn(lane: Lane): void {
    if (!options.canWork(lane)) return;
    const nowMs = clock.now();
    const isOpen = lane.breaker.state === 'open';
    for (const urgency of URGENCIES) {
      const shelf = lane.shelves[urgency];
      const dueAtMs = shelf.storedDueAtMs;
      if (dueAtMs === null || shelf.claiming) continue;
      const fromMs = isOpen ? Math.max(dueAtMs, lane.breaker.probeAtMs) : dueAtMs;
      if (fromMs > nowMs) {
        options.wakeAt(lane, fromMs);
        continue;
      }
      // One probe, and no more in memory than it takes.
      if (isOpen && lane.held > 0) return;
      const room = Math.min(roomForPaged(lane, urgency), Math.ceil(shares.roomFor(lane) / 2));
      if (room > 0) void claim(lane, urgency, isOpen ? 1 : room);
      // The memory of other lanes may free itself without this one hearing of it.
      else if (shares.roomFor(lane) <= 0) options.wakeAt(lane, nowMs + ROOM_AGAIN_MS);
    }
  }

  async function claim(lane: Lane, urgency: Urgency, limit: number): Promise<void> {
    const { projectId, id: endpointId } = lane.endpoint.record;
    const shelf = lane.shelves[urgency];
    shelf.claiming = true;
    shelf.storedDueAtMs = null;
    shares.hold(lane, limit);
    try {
      const nowMs = clock.now();
      const request = { projectId, endpointId, urgency, nowMs, limit, node };
      const found = await engine.claimDeliveries(request);
      shares.hold(lane, found.deliveries.length - limit);
      for (const one of formLines(found.deliveries)) {
        putPaged(lane, toReady(one, { projectId, endpointId, urgency }));
      }
      if (found.nextDueAtMs !== null) noteStored(lane, urgency, found.nextDueAtMs);
    } catch (error) {
      shares.hold(lane, -limit);
      // Health is back when it is back, and its listener calls; the time is for other causes.
      noteStored(lane, urgency, clock.now() + AGAIN_MS);
      if (!(error instanceof StoreUnavailable)) {
        const fields = { endpoint: endpointId, error: messageOf(error) };
        log.error(fields, 'Deliveries were not claimed; trying again');
      }
    }
    shelf.claiming = false;
    // Once for all that was asked for together, so that what failed in one post goes in one again.
    if (!lane.shelves.some(({ claiming }) => claiming)) options.wake(lane);
  }

  function namesOf(given: readonly ReadyDelivery[]): { due: string[]; inLine: string[] } {
    return {
      due: given.map(({ eventId }) => eventId),
      inLine: given.flatMap(({ line }) => line.map(({ eventId }) => eventId)),
    };
  }

  async function giveBack(lane: Lane): Promise<void> {
    const given = takeAll(lane);
    if (given.length === 0) return;
    const { projectId, id: endpointId } = lane.endpoint.record;
    const names = namesOf(given);
    const count = names.due.length + names.inLine.length;
    shares.hold(lane, -count);
    try {
      await deliveries.release({ projectId, endpointId, node, nowMs: clock.now() }, names);
    } catch (error) {
      // They are still leased to us. When the store is back, the lane comes by again.
      shares.hold(lane, count);
      for (const one of given) putPaged(lane, one);
      throw error;
    }
    for (const { urgency } of given) noteStored(lane, urgency, clock.now());
  }

  const cancelAll = (projectId: string, endpointId: string): Promise<void> =>
    untilStored(endpointId, async () => {
      let more = true;
      while (more && !options.stopping()) {
        const nowMs = clock.now();
        ({ more } = await deliveries.cancelWaiting(projectId, endpointId, nowMs, CANCEL_AT_ONCE));
      }
    });

  return {
    pageIn,
    giveBack,
    cancelAll,
    async letGo(lane) {
      if (!isWaiting(lane)) return;
      const { projectId, id } = lane.endpoint.record;
      try {
        await giveBack(lane);
      } catch (error) {
        log.warn({ endpoint: id, error: messageOf(error) }, 'Deliveries were not given back');
        return options.wakeAt(lane, clock.now() + AGAIN_MS);
      }
      if (lane.removed) await cancelAll(projectId, id);
      else pageIn(lane);
    },
    giveBackLine(lane, line) {
      const { projectId, id: endpointId } = lane.endpoint.record;
      const inLine = line.map(({ eventId }) => eventId);
      const given = () =>
        deliveries.release(
          { projectId, endpointId, node, nowMs: clock.now() },
          { due: [], inLine },
        );
      void untilStored(endpointId, given).then(() => {
        shares.hold(lane, -line.length);
        if (lane.removed) return void cancelAll(projectId, endpointId);
        // If what stood before them has ended meanwhile, they are due.
        for (const { urgency } of line) noteStored(lane, urgency, clock.now());
        options.wake(lane);
      });
    },
    giveBackOne: ({ projectId, endpointId, eventId }) =>
      untilStored(endpointId, () => {
        const from = { projectId, endpointId, node, nowMs: clock.now() };
        return deliveries.release(from, { due: [eventId], inLine: [] });
      }),
    async finish() {
      for (const endWait of waits) endWait();
      await Promise.all(unsettled);
    },
  };

  function untilStored(endpointId: string, work: () => Promise<void>): Promise<void> {
    const stored = tryAgain(endpointId, work).finally(() => unsettled.delete(stored));
    unsettled.add(stored);
    return stored;
  }

  /** Again and again; what a stop leaves undone is made up for at the next start. */
  async function tryAgain(endpointId: string, work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const fields = { endpoint: endpointId, error: messageOf(error) };
        log.warn(fields, 'Deliveries were not given back or canceled; trying again');
      }
      if (options.stopping()) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = clock.after(AGAIN_MS, resolve);
      waits.add(resolve);
      await promise;
      waits.delete(resolve);
      cancel();
    }
  }
}

/** Puts what follows a delivery of the same key behind it: the store hands them over in order. */
function formLines(claimed: readonly ClaimedDelivery[]): ClaimedLine[] {
  const heads: ClaimedLine[] = [];
  for (const one of claimed) {
    const head = heads.at(-1);
    const follows = one.orderKey !== null && head?.delivery.orderKey === one.orderKey;
    if (follows) head.line.push(one);
    else heads.push({ delivery: one, line: [] });
  }
  return heads;
}

interface ClaimedLine {
  delivery: ClaimedDelivery;
  line: ClaimedDelivery[];
}

function toReady(
  { delivery, line }: ClaimedLine,
  place: Pick<ReadyDelivery, 'projectId' | 'endpointId' | 'urgency'>,
): ReadyDelivery {
  return {
    ...place,
    ...delivery,
    readyAtMs: 0,
    line: line.map((one) => ({ ...place, ...one, readyAtMs: 0, line: [] })),
  };
}
