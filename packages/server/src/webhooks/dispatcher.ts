import { isDeepStrictEqual } from 'node:util';
import type { EventType } from '@posthorn/sdk';
import type { Ids } from '../core/ids.ts';
import { urgencyOf } from '../core/urgency.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Deliveries, DueDelivery } from '../store/deliveries.ts';
import type { AttemptRecord, Engine, OwedDelivery } from '../store/engine.ts';
import type { CommittedDelivery, Subscribers } from '../store/event-log.ts';
import { createBreaker, nextStart, noteStart } from './breaker.ts';
import type { EndpointDirectory, LiveEndpoint } from './endpoint-directory.ts';
import { createEndpointHealth, type Report } from './endpoint-health.ts';
import {
  createLane,
  hasRoomForFresh,
  isWaiting,
  type Lane,
  nextByRate,
  noteAnyStored,
  noteRate,
  noteStored,
  putPaged,
  type ReadyDelivery,
  takeAll,
} from './lane.ts';
import { createOutcome } from './outcome.ts';
import { createPaging } from './paging.ts';
import { placeInLine } from './place-in-line.ts';
import { noteFresh, type PostUnit, takeUnit } from './post-unit.ts';
import type { Poster } from './poster/poster.ts';
import { createShares } from './shares.ts';

export interface DispatcherOptions {
  engine: Pick<Engine, 'recordAttempt' | 'claimDeliveries' | 'health' | 'onHealthChange'>;
  deliveries: Pick<Deliveries, 'release' | 'cancelWaiting'>;
  directory: EndpointDirectory;
  poster: Poster;
  clock: Clock;
  random: () => number;
  ids: Ids;
  log: Log;
  node: string;
  /** Posts under way, at most. */
  concurrency: number;
  /** Deliveries in memory, at most; what is beyond waits in the store. */
  memoryLimit: number;
  /** How long what is known of an attempt is kept, ms. */
  retentionMs: (projectId: string) => number;
  /** How many nodes dispatch: concurrency and rate limits of an endpoint are shared among them. */
  nodes?: () => number;
  /** Takes what there is to say about endpoints and deliveries. Must not throw. */
  report: (report: Report) => void;
  onAttempt?: (attempt: AttemptRecord, endpoint: LiveEndpoint) => void;
}

/**
 * Brings deliveries to their endpoints. One lane an endpoint (lane.ts); lanes and projects share the
 * process (shares.ts); a failing endpoint is probed instead of hammered (breaker.ts).
 *
 * A delivery's way: (owedFor) reserved -> (committed) fresh -> in flight -> unrecorded -> gone from
 * memory; a failed one waits in the store until it is due and comes back by a claim as paged
 * (paging.ts). What finds its lane full, and everything that wants order, waits in the store from the
 * start: the store alone knows what stands before it.
 */
export interface Dispatcher extends Subscribers {
  /** Takes up what waits in the store. */
  start(): void;
  /** A delivery was made due in the store by somebody else (a retry by hand). */
  wake(projectId: string, endpointId: string, dueAtMs: number): void;
  /** Ends what waits in the store for an endpoint that was deleted. */
  cancelFor(projectId: string, endpointId: string): Promise<void>;
  /** No new attempts; those under way may end within the bound; the rest goes back to the store. */
  stop(graceMs: number): Promise<void>;
  /** Deliveries wait in the store that this node may not have heard of. */
  noteDue(due: readonly DueDelivery[]): void;
  /** What waits in memory is leased to this node no more: it is dropped, and read back if it is due. */
  dropLeases(): void;
  /** For /metrics. */
  stats(): { inMemory: number; inFlight: number };
}

/** How long results may take to be stored once everything was aborted, ms. */
const ABORT_BOUND_MS = 2_000;

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { engine, directory, poster, clock, random, ids, log, node } = options;
  const { nodes = () => 1 } = options;
  const lanes = new Map<string, Lane>();
  const shares = createShares({ concurrency: options.concurrency, memory: options.memoryLimit });
  let started = false;
  let stopping = false;
  let idle: (() => void) | null = null;

  const paging = createPaging({
    engine,
    deliveries: options.deliveries,
    shares,
    clock,
    log,
    node,
    canWork,
    stopping: () => stopping,
    wake(lane) {
      pump(lane);
      checkIdle();
    },
    wakeAt,
  });
  const health = createEndpointHealth({ directory, report: options.report, clock, log });
  const outcome = createOutcome({
    engine,
    health,
    paging,
    shares,
    ids,
    log,
    random,
    node,
    retentionMs: options.retentionMs,
    report: options.report,
    onAttempt: options.onAttempt ?? (() => {}),
    changed(lane) {
      // Results on their way hold room too: when they were all that filled the lane, nobody else calls.
      paging.pageIn(lane);
      checkIdle();
    },
  });

  function laneFor(endpoint: LiveEndpoint): Lane {
    const key = endpoint.record.id;
    let lane = lanes.get(key);
    if (lane === undefined) {
      lane = createLane(endpoint);
      lanes.set(key, lane);
    }
    return lane;
  }

  function canWork(lane: Lane): boolean {
    return started && !stopping && engine.health().ok && !isShut(lane);
  }

  function isShut(lane: Lane): boolean {
    return lane.removed || lane.endpoint.record.status === 'disabled';
  }

  /** Starts what may start now, and sees to it that somebody calls again for what may not yet. */
  function pump(lane: Lane): void {
    if (!canWork(lane)) {
      if (isShut(lane)) void paging.letGo(lane);
      return;
    }
    while (lane.inFlight < Math.ceil(lane.endpoint.concurrency / nodes()) && isWaiting(lane)) {
      if (!shares.canStart(lane)) {
        shares.wait(lane);
        break;
      }
      const nowMs = clock.now();
      const startMs = startTime(lane, nowMs);
      if (startMs === null) break;
      if (startMs > nowMs) {
        wakeAt(lane, startMs);
        break;
      }
      const unit = takeUnit(lane, nowMs);
      if ('waitUntilMs' in unit) {
        if (unit.waitUntilMs !== null) wakeAt(lane, unit.waitUntilMs);
        break;
      }
      void attempt(lane, unit, nowMs);
    }
    // What waits in memory for a probe that is not due is in nobody's way in the store.
    if (isHeldUp(lane) && isWaiting(lane)) void paging.letGo(lane);
    else paging.pageIn(lane);
  }

  /** For longer than a moment: a probe that waits for a free place or the rate is not. */
  function isHeldUp({ breaker }: Lane): boolean {
    if (breaker.state !== 'open') return false;
    return breaker.probing || breaker.probeAtMs > clock.now();
  }

  /** When breaker and rate limit let the next post start; null while a probe is under way. */
  function startTime(lane: Lane, nowMs: number): number | null {
    const byBreaker = nextStart(lane.breaker, nowMs);
    return byBreaker === null ? null : Math.max(byBreaker, nextByRate(lane));
  }

  /** The lane looks again then, or sooner if it was to look sooner anyway. */
  function wakeAt(lane: Lane, atMs: number): void {
    if (stopping || (lane.wakeAtMs !== null && lane.wakeAtMs <= atMs)) return;
    lane.cancelTimer?.();
    lane.wakeAtMs = atMs;
    lane.cancelTimer = clock.after(atMs - clock.now(), () => {
      lane.wakeAtMs = null;
      lane.cancelTimer = null;
      pump(lane);
    });
  }

  function pumpWaiting(): void {
    // Each waits again only when it may not start, so this ends.
    for (let lane = shares.nextInTurn(); lane !== undefined; lane = shares.nextInTurn()) pump(lane);
  }

  async function attempt(lane: Lane, unit: PostUnit, startedAtMs: number): Promise<void> {
    const { endpoint, breaker } = lane;
    const wasProbe = breaker.state === 'open';
    shares.noteStarted(lane);
    noteStart(breaker, unit.deliveries.length, startedAtMs);
    noteRate(lane, unit.deliveries.length * nodes(), startedAtMs);
    const post = await poster.post(endpoint, unit, startedAtMs);
    const { result } = post;
    shares.noteEnded(lane);
    if (result.errorCode === 'aborted') {
      // Ours, not the endpoint's: nothing is recorded, and stop() gives the deliveries back.
      for (const one of unit.deliveries) putPaged(lane, one);
    } else {
      outcome.settle({ lane, endpoint, breaker, unit, post, startedAtMs, wasProbe });
    }
    if (shares.waiting > 0) pumpWaiting();
    pump(lane);
    checkIdle();
  }

  function checkIdle(): void {
    if (idle === null || shares.inFlight > 0) return;
    for (const lane of lanes.values()) {
      if (lane.unrecorded > 0 || lane.shelves.some(({ claiming }) => claiming)) return;
    }
    idle();
    idle = null;
  }

  function untilIdle(boundMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(boundMs, resolve);
      idle = () => {
        cancel();
        resolve();
      };
      checkIdle();
    });
  }

  /** A delivery that no lane holds any more. */
  async function abandon(delivery: CommittedDelivery): Promise<void> {
    const { projectId, endpointId } = delivery;
    await paging.giveBackOne(delivery);
    if (lanes.has(endpointId)) wake(projectId, endpointId, clock.now());
    else await paging.cancelAll(projectId, endpointId);
  }

  function wake(projectId: string, endpointId: string, dueAtMs: number): void {
    const lane = lanes.get(endpointId);
    if (lane === undefined) {
      // Deleted while it was made due, and canceled perhaps before.
      if (directory.find(projectId, endpointId) === null) {
        void paging.cancelAll(projectId, endpointId);
      }
      return;
    }
    noteAnyStored(lane, dueAtMs);
    paging.pageIn(lane);
  }

  /** May this delivery go from memory, without being read back? Then there is room for it. */
  function takesDirectly(lane: Lane, urgency: 0 | 1 | 2): boolean {
    return (
      started &&
      !stopping &&
      lane.endpoint.record.settings.order === 'none' &&
      lane.breaker.state !== 'open' &&
      hasRoomForFresh(lane, urgency) &&
      shares.roomFor(lane) > 0
    );
  }

  function owe(
    endpoint: LiveEndpoint,
    event: Parameters<Subscribers['owedFor']>[1],
    dueAtMs: number,
  ): OwedDelivery {
    const { id: endpointId, settings, status } = endpoint.record;
    const { orderKey, urgency } = placeInLine(settings.order, event);
    const owed = { endpointId, urgency, dueAtMs, orderKey, node: null } as const;
    if (status === 'disabled') return { ...owed, state: 'skipped' };
    const lane = laneFor(endpoint);
    if (!takesDirectly(lane, urgency)) return { ...owed, state: 'pending' };
    lane.shelves[urgency].reserved += 1;
    shares.hold(lane, 1);
    return { endpointId, urgency, dueAtMs, orderKey, state: 'pending', node };
  }

  /**
   * What wants order and goes in batches gathers in the store, where its line is: read back at once, it
   * would go alone, and what comes after it would stand behind it.
   */
  function gatherMs({ endpoint }: Lane, { orderKey }: OwedDelivery, type: EventType): number {
    const isBatched = orderKey !== null && endpoint.batchedTypes?.has(type) === true;
    return isBatched ? (endpoint.record.settings.batch?.maxWaitMs ?? 0) : 0;
  }

  directory.listen({
    saved(endpoint) {
      const lane = laneFor(endpoint);
      const before = lane.endpoint;
      lane.endpoint = endpoint;
      lane.quiet = null;
      poster.forget(before, !isDeepStrictEqual(before.target.tls, endpoint.target.tls));
      const { url, status } = before.record;
      if (url !== endpoint.record.url || status === 'disabled') {
        lane.breaker = createBreaker();
        health.forget(endpoint);
      }
      noteAnyStored(lane, clock.now());
      pump(lane);
    },
    async removed(projectId, endpointId) {
      const lane = lanes.get(endpointId);
      lanes.delete(endpointId);
      if (lane !== undefined) {
        lane.removed = true;
        lane.cancelTimer?.();
        lane.wakeAtMs = null;
        shares.stopWaiting(lane);
        poster.forget(lane.endpoint, true);
        await paging.letGo(lane);
      }
      await paging.cancelAll(projectId, endpointId);
    },
  });

  engine.onHealthChange((storeHealth) => {
    if (!storeHealth.ok) return;
    for (const lane of lanes.values()) {
      noteAnyStored(lane, clock.now());
      pump(lane);
    }
  });

  return {
    owedFor(projectId, event, nowMs, onlyTo) {
      if (onlyTo !== undefined) {
        const endpoint = directory.find(projectId, onlyTo);
        return endpoint === null ? [] : [owe(endpoint, event, nowMs)];
      }
      return directory.match(projectId, event).map((endpoint) => owe(endpoint, event, nowMs));
    },
    committed(delivery) {
      const lane = lanes.get(delivery.endpointId);
      if (lane === undefined) {
        shares.drop(delivery.projectId, 1);
        void abandon(delivery);
        return;
      }
      const urgency = urgencyOf(delivery.type);
      const shelf = lane.shelves[urgency];
      shelf.reserved -= 1;
      const { projectId, endpointId, eventId, type, body } = delivery;
      const fresh: ReadyDelivery = {
        projectId,
        endpointId,
        eventId,
        type,
        body,
        urgency,
        attempts: 0,
        failures: 0,
        orderKey: null,
        readyAtMs: clock.now(),
        line: [],
      };
      shelf.fresh.push(fresh);
      noteFresh(lane, fresh);
      pump(lane);
    },
    dropped(projectId, owed) {
      if (owed.node === null) return;
      const lane = lanes.get(owed.endpointId);
      if (lane === undefined) return shares.drop(projectId, 1);
      lane.shelves[owed.urgency].reserved -= 1;
      shares.hold(lane, -1);
      paging.pageIn(lane);
    },
    stored(projectId, owed, type) {
      if (owed.state !== 'pending') return;
      const lane = lanes.get(owed.endpointId);
      // Deleted while the commit was under way, and canceled perhaps before it was stored.
      if (lane === undefined) return void paging.cancelAll(projectId, owed.endpointId);
      noteStored(lane, owed.urgency, owed.dueAtMs + gatherMs(lane, owed, type));
      paging.pageIn(lane);
    },
    wake,
    noteDue(due) {
      for (const { endpointId, urgency, dueAtMs } of due) {
        const lane = lanes.get(endpointId);
        if (lane === undefined) continue;
        noteStored(lane, urgency, dueAtMs);
        paging.pageIn(lane);
      }
    },
    dropLeases() {
      for (const lane of lanes.values()) {
        const dropped = takeAll(lane);
        const lines = dropped.reduce((sum, { line }) => sum + line.length, 0);
        shares.hold(lane, -dropped.length - lines);
        noteAnyStored(lane, clock.now());
        pump(lane);
      }
    },
    cancelFor: paging.cancelAll,
    start() {
      started = true;
      for (const endpoint of directory.all()) {
        const lane = laneFor(endpoint);
        noteAnyStored(lane, clock.now());
        pump(lane);
      }
    },
    async stop(graceMs) {
      stopping = true;
      for (const lane of lanes.values()) lane.cancelTimer?.();
      await untilIdle(graceMs);
      // What has not ended by now becomes `aborted` and goes back with the rest.
      await poster.close();
      await untilIdle(ABORT_BOUND_MS);
      await paging.finish();
      for (const lane of lanes.values()) await paging.giveBack(lane).catch(() => {});
    },
    stats: () => ({ inMemory: shares.inMemory, inFlight: shares.inFlight }),
  };
}
