import type { Ids } from '../core/ids.ts';
import { parseRetryAfter } from '../core/retry-schedule.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Deliveries } from '../store/deliveries.ts';
import {
  type AttemptRecord,
  type Engine,
  type OwedDelivery,
  StoreUnavailable,
} from '../store/engine.ts';
import type { CommittedDelivery, Subscribers } from '../store/event-log.ts';
import { createAttemptRecord } from './attempt-record.ts';
import { decideNext, type NextStep } from './decide-next.ts';
import type { EndpointDirectory, LiveEndpoint } from './endpoint-directory.ts';
import {
  createLane,
  hasRoomForFresh,
  heldBy,
  type Lane,
  noteStored,
  type ReadyDelivery,
  roomForPaged,
  takeNext,
} from './lane.ts';
import type { PostClient } from './post/post-client.ts';
import type { PostResult } from './post/post-result.ts';
import { renderHeaders } from './render.ts';

export interface DispatcherOptions {
  engine: Pick<Engine, 'recordAttempt' | 'claimDeliveries' | 'health' | 'onHealthChange'>;
  deliveries: Pick<Deliveries, 'release' | 'cancelWaiting'>;
  directory: EndpointDirectory;
  client: PostClient;
  clock: Clock;
  random: () => number;
  ids: Ids;
  log: Log;
  node: string;
  /** Waits after each failure, ms; then the delivery is dead. */
  ladderMs: readonly number[];
  timeoutMs: number;
  /** Posts under way, at most: in all, and to one endpoint. */
  concurrency: number;
  endpointConcurrency: number;
  /** Deliveries in memory, at most; what is beyond waits in the store. */
  memoryLimit: number;
  retentionMs: number;
  onAttempt?: (attempt: AttemptRecord, endpoint: LiveEndpoint) => void;
}

/**
 * Brings deliveries to their endpoints. One lane an endpoint; lanes share the process in turns.
 *
 * No lane has more posts under way than are still free, nor more deliveries in memory than there is
 * room left. So the more endpoints hang, the less each of them holds, and there is always something
 * left for one that answers. (Shared first come, first served, sixteen hanging endpoints took every
 * post and eight all of the memory.)
 *
 * A delivery's way: (owedFor) reserved -> (committed) fresh -> in flight -> unrecorded -> gone from
 * memory; a failed one waits in the store until it is due and comes back by a claim as paged. What
 * finds its lane full waits in the store from the start.
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
  /** For /metrics. */
  stats(): { inMemory: number; inFlight: number };
}

/** How long results may take to be stored once everything was aborted, ms. */
const ABORT_BOUND_MS = 2_000;
/** How long a claim that failed waits for its next try, ms. */
const CLAIM_AGAIN_MS = 1_000;

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { engine, directory, client, clock, ids, log, node } = options;
  const lanes = new Map<string, Lane>();
  /** Lanes with work that met the global limit, in the order in which they get their turn. */
  const waitingLanes = new Set<Lane>();
  let inFlight = 0;
  let inMemory = 0;
  let started = false;
  let stopping = false;
  let idle: (() => void) | null = null;

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

  function pump(lane: Lane): void {
    if (canWork(lane)) {
      while (lane.inFlight < options.endpointConcurrency) {
        if (lane.fresh.length + lane.paged.length === 0) break;
        if (lane.inFlight >= options.concurrency - inFlight) {
          waitingLanes.add(lane);
          break;
        }
        const delivery = takeNext(lane);
        if (delivery === undefined) break;
        void attempt(lane, delivery);
      }
      pageIn(lane);
    } else if (isShut(lane)) void letGo(lane);
  }

  /** Gives the free place to the lane that has waited longest; who may not have it waits on. */
  function pumpWaiting(): void {
    let rest = waitingLanes.size;
    for (const lane of waitingLanes) {
      if (rest === 0 || inFlight >= options.concurrency) return;
      rest -= 1;
      waitingLanes.delete(lane);
      pump(lane);
    }
  }

  async function attempt(lane: Lane, delivery: ReadyDelivery): Promise<void> {
    lane.inFlight += 1;
    inFlight += 1;
    const startedAtMs = clock.now();
    const body = Buffer.from(delivery.body);
    const { endpoint } = lane;
    const { keys, target } = endpoint;
    const headers = renderHeaders({ eventId: delivery.eventId, keys, body, nowMs: startedAtMs });
    const { timeoutMs } = options;
    const result = await client.post({ target, headers, body, timeoutMs, startedAtMs });
    lane.inFlight -= 1;
    inFlight -= 1;
    if (result.errorCode === 'aborted') {
      // Ours, not the endpoint's: nothing is recorded, and stop() gives the delivery back.
      lane.paged.push(delivery);
    } else {
      record(lane, endpoint, delivery, result, startedAtMs);
    }
    if (waitingLanes.size > 0) pumpWaiting();
    pump(lane);
    checkIdle();
  }

  function record(
    lane: Lane,
    endpoint: LiveEndpoint,
    delivery: ReadyDelivery,
    result: PostResult,
    startedAtMs: number,
  ): void {
    const nowMs = startedAtMs + result.latencyMs;
    const step = decideNext({
      result,
      failures: delivery.failures,
      ladderMs: options.ladderMs,
      nowMs,
      retryAfterMs: parseRetryAfter(result.retryAfter, nowMs),
      random: options.random(),
    });
    const retainUntilMs = nowMs + options.retentionMs;
    const attemptId = ids.next('attempt');
    const facts = { delivery, result, step, node, attemptId, startedAtMs, retainUntilMs };
    const attempt = createAttemptRecord(facts);
    lane.unrecorded += 1;
    engine.recordAttempt(attempt).then(
      () => recorded(lane, endpoint, attempt, step),
      (error: unknown) => {
        if (!(error instanceof StoreUnavailable)) {
          log.error(
            { error: messageOf(error), event: delivery.eventId },
            'An attempt was not stored; it will be made again',
          );
          void abandon(delivery);
        }
        leave(lane);
      },
    );
  }

  function recorded(
    lane: Lane,
    endpoint: LiveEndpoint,
    attempt: AttemptRecord,
    step: NextStep,
  ): void {
    leave(lane);
    options.onAttempt?.(attempt, endpoint);
    if (step.kind === 'retry') {
      noteStored(lane, step.dueAtMs);
      if (lane.removed) void cancelDeliveriesOf(attempt.projectId, attempt.endpointId);
      else pageIn(lane);
    }
    if (step.kind === 'dead') {
      const { eventId: event, endpointId, errorDetail: error } = attempt;
      const fields = { event, endpoint: endpointId, attempts: attempt.number, error };
      log.warn(fields, 'A delivery is dead');
      // A 410 of a URL that was replaced meanwhile says nothing of the new one.
      const current = lane.endpoint.record.url === endpoint.record.url;
      if (step.disableEndpoint && current) void disable(lane, 'The endpoint answered 410 Gone.');
    }
  }

  function leave(lane: Lane): void {
    lane.unrecorded -= 1;
    inMemory -= 1;
    // Results on their way hold room too: when they were all that filled the lane, nobody else calls.
    if (lane.storedDueAtMs !== null) pageIn(lane);
    checkIdle();
  }

  async function disable(lane: Lane, reason: string): Promise<void> {
    const { record } = lane.endpoint;
    if (record.status === 'disabled') return;
    const updatedAtMs = clock.now();
    try {
      await directory.update({
        ...record,
        status: 'disabled',
        disabledReason: reason,
        updatedAtMs,
      });
      log.warn({ endpoint: record.id, url: record.url, reason }, 'An endpoint was disabled');
    } catch (error) {
      log.error({ endpoint: record.id, error: messageOf(error) }, 'An endpoint was not disabled');
    }
  }

  /** Reads due deliveries back when there is room, or waits for the first that will be due. */
  function pageIn(lane: Lane): void {
    const dueAtMs = lane.storedDueAtMs;
    if (dueAtMs === null || lane.claiming || !canWork(lane)) return;
    lane.cancelTimer?.();
    lane.cancelTimer = null;
    const waitMs = dueAtMs - clock.now();
    if (waitMs > 0) {
      lane.cancelTimer = clock.after(waitMs, () => pageIn(lane));
      return;
    }
    const spare = options.memoryLimit - inMemory - heldBy(lane);
    const limit = Math.min(roomForPaged(lane), Math.ceil(spare / 2));
    if (limit > 0) void claim(lane, limit);
    // The memory of other lanes may free itself without this one hearing of it.
    else if (heldBy(lane) === 0) lane.cancelTimer = clock.after(100, () => pageIn(lane));
  }

  async function claim(lane: Lane, limit: number): Promise<void> {
    const { projectId, id: endpointId } = lane.endpoint.record;
    lane.claiming = true;
    lane.storedDueAtMs = null;
    inMemory += limit;
    try {
      const nowMs = clock.now();
      const found = await engine.claimDeliveries({ projectId, endpointId, nowMs, limit, node });
      inMemory += found.deliveries.length - limit;
      for (const one of found.deliveries) lane.paged.push({ projectId, endpointId, ...one });
      if (found.nextDueAtMs !== null) noteStored(lane, found.nextDueAtMs);
    } catch (error) {
      inMemory -= limit;
      // Health is back when it is back: onHealthChange calls again, and the timer for other causes.
      noteStored(lane, clock.now());
      lane.cancelTimer = clock.after(CLAIM_AGAIN_MS, () => pageIn(lane));
      if (!(error instanceof StoreUnavailable)) {
        log.error({ endpoint: endpointId, error: messageOf(error) }, 'Deliveries were not claimed');
      }
      return;
    } finally {
      lane.claiming = false;
      checkIdle();
    }
    pump(lane);
  }

  function checkIdle(): void {
    if (idle === null || inFlight > 0) return;
    for (const lane of lanes.values()) if (lane.unrecorded > 0 || lane.claiming) return;
    idle();
    idle = null;
  }

  async function cancelDeliveriesOf(projectId: string, endpointId: string): Promise<void> {
    try {
      let more = true;
      while (more && !stopping) {
        ({ more } = await options.deliveries.cancelWaiting(
          projectId,
          endpointId,
          clock.now(),
          1_000,
        ));
      }
    } catch (error) {
      log.error({ endpoint: endpointId, error: messageOf(error) }, 'Deliveries were not canceled');
    }
  }

  async function giveBack(lane: Lane): Promise<void> {
    const { projectId, id } = lane.endpoint.record;
    const given = [...lane.fresh, ...lane.paged];
    if (given.length === 0) return;
    const eventIds = given.map((delivery) => delivery.eventId);
    inMemory -= given.length;
    lane.fresh = [];
    lane.paged = [];
    try {
      await options.deliveries.release(projectId, id, node, clock.now(), eventIds);
    } catch (error) {
      // They are still leased to us. When the store is back, pump comes by again.
      inMemory += given.length;
      lane.paged.push(...given);
      throw error;
    }
  }

  /** A disabled or deleted endpoint holds no memory: others need it, and this may last for weeks. */
  async function letGo(lane: Lane): Promise<void> {
    if (lane.fresh.length + lane.paged.length === 0) return;
    const { projectId, id } = lane.endpoint.record;
    try {
      await giveBack(lane);
    } catch (error) {
      log.warn({ endpoint: id, error: messageOf(error) }, 'Deliveries were not given back');
    }
    if (lane.removed) await cancelDeliveriesOf(projectId, id);
  }

  /** Gives one delivery back that no lane holds any more; ends it if its endpoint was deleted. */
  async function abandon({
    projectId,
    endpointId,
    eventId,
  }: Pick<CommittedDelivery, 'projectId' | 'endpointId' | 'eventId'>): Promise<void> {
    await options.deliveries
      .release(projectId, endpointId, node, clock.now(), [eventId])
      .catch(() => {});
    if (lanes.has(endpointId)) wake(projectId, endpointId, clock.now());
    else await cancelDeliveriesOf(projectId, endpointId);
  }

  function wake(_projectId: string, endpointId: string, dueAtMs: number): void {
    const lane = lanes.get(endpointId);
    if (lane === undefined) return;
    noteStored(lane, dueAtMs);
    pageIn(lane);
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

  directory.listen({
    saved(endpoint) {
      const lane = laneFor(endpoint);
      lane.endpoint = endpoint;
      noteStored(lane, clock.now());
      pump(lane);
    },
    async removed(projectId, endpointId) {
      const lane = lanes.get(endpointId);
      lanes.delete(endpointId);
      if (lane !== undefined) {
        lane.removed = true;
        lane.cancelTimer?.();
        waitingLanes.delete(lane);
        await giveBack(lane).catch(() => {});
      }
      await cancelDeliveriesOf(projectId, endpointId);
    },
  });

  engine.onHealthChange((health) => {
    if (!health.ok) return;
    for (const lane of lanes.values()) {
      noteStored(lane, clock.now());
      pump(lane);
    }
  });

  return {
    owedFor(projectId, event, nowMs) {
      return directory.match(projectId, event).map((endpoint): OwedDelivery => {
        const endpointId = endpoint.record.id;
        const dueAtMs = nowMs;
        if (endpoint.record.status === 'disabled') {
          return { endpointId, state: 'skipped', dueAtMs, node: null };
        }
        const lane = laneFor(endpoint);
        const direct =
          started &&
          !stopping &&
          heldBy(lane) < options.memoryLimit - inMemory &&
          hasRoomForFresh(lane);
        if (direct) {
          lane.reserved += 1;
          inMemory += 1;
        }
        return { endpointId, state: 'pending', dueAtMs, node: direct ? node : null };
      });
    },
    committed(delivery) {
      const lane = lanes.get(delivery.endpointId);
      if (lane === undefined) {
        inMemory -= 1;
        void abandon(delivery);
        return;
      }
      lane.reserved -= 1;
      lane.fresh.push({ ...delivery, attempts: 0, failures: 0 });
      pump(lane);
    },
    dropped(_projectId, owed) {
      if (owed.node === null) return;
      inMemory -= 1;
      const lane = lanes.get(owed.endpointId);
      if (lane !== undefined) lane.reserved -= 1;
    },
    stored(projectId, owed) {
      if (owed.state === 'pending') wake(projectId, owed.endpointId, owed.dueAtMs);
    },
    wake,
    cancelFor: cancelDeliveriesOf,
    start() {
      started = true;
      for (const endpoint of directory.all()) {
        const lane = laneFor(endpoint);
        noteStored(lane, clock.now());
        pump(lane);
      }
    },
    async stop(graceMs) {
      stopping = true;
      for (const lane of lanes.values()) lane.cancelTimer?.();
      await untilIdle(graceMs);
      // What has not ended by now becomes `aborted` and goes back with the rest.
      await client.close();
      await untilIdle(ABORT_BOUND_MS);
      for (const lane of lanes.values()) await giveBack(lane).catch(() => {});
    },
    stats: () => ({ inMemory, inFlight }),
  };
}
