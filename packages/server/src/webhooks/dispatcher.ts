import { isDeepStrictEqual } from 'node:util';
import type { Ids } from '../core/ids.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { AttemptRecord, Engine } from '../store/engine.ts';
import type { Subscribers } from '../store/log/event-log.ts';
import type { Deliveries, DueDelivery } from '../store/webhooks/deliveries.ts';
import { type Breaker, createBreaker, nextStart, noteStart } from './breaker.ts';
import type { EndpointDirectory } from './endpoints/endpoint-directory.ts';
import { createEndpointHealth, type Report } from './endpoints/endpoint-health.ts';
import type { LiveEndpoint } from './endpoints/live-endpoint.ts';
import { createIntake } from './intake.ts';
import {
  concurrencyOf,
  createLane,
  isWaiting,
  type Lane,
  nextByRate,
  noteAnyStored,
  noteLetIn,
  noteRate,
  noteStored,
  putPaged,
  takeAll,
} from './lane.ts';
import { createOutcome } from './outcome.ts';
import { createPaging } from './paging.ts';
import { type PostUnit, takeUnit } from './post-unit.ts';
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
  /** What this process makes of the endpoint; null where it has nothing to do with it. */
  breakerOf(endpointId: string): { state: Breaker['state']; probeAtMs: number | null } | null;
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

  const intake = createIntake({
    directory,
    shares,
    paging,
    clock,
    node,
    takesWork: () => started && !stopping,
    laneFor,
    findLane: (endpointId) => lanes.get(endpointId),
    pump,
    wake,
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
    while (lane.inFlight < concurrencyOf(lane, nodes()) && isWaiting(lane)) {
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
    noteRate(lane, unit.deliveries.length, nodes(), startedAtMs);
    const post = await poster.post(endpoint, unit, startedAtMs);
    const { result } = post;
    const { allowedPerMinute } = post;
    if (allowedPerMinute !== undefined) {
      noteLetIn(lane, { endpoint, allowedPerMinute, nodes: nodes(), startedAtMs });
    }
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
    ...intake,
    wake,
    breakerOf(endpointId) {
      const breaker = lanes.get(endpointId)?.breaker;
      if (breaker === undefined) return null;
      const { state, probeAtMs } = breaker;
      return { state, probeAtMs: state === 'open' ? probeAtMs : null };
    },
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
