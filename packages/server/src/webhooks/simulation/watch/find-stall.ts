import type { StoredDelivery } from '../store/bare-store.ts';
import type { ModelStore } from '../store/model-store.ts';
import type { WatchedLane, WatchedLanes } from './watched-lanes.ts';

/** A moment from which on nothing is going to happen for a while. */
export interface Quiet {
  node: string;
  /** What the machine's clock shows, and what it will show when something happens again. */
  nowMs: number;
  untilMs: number;
  inMemory: number;
  memoryLimit: number;
  concurrency: number;
  store: ModelStore;
  lanes: WatchedLanes;
}

/** Bounds of jitter are rounded, and timers are whole milliseconds. */
const SLACK_MS = 100;

/**
 * Finds a delivery that ought to go before the quiet is over, and that nobody has a timer for; null
 * when there is none. Every reason to wait that the engine may have is looked at here.
 */
export function findStall(quiet: Quiet, name: (id: string) => string): string | null {
  for (const one of quiet.store.deliveries()) {
    if (one.state !== 'pending') continue;
    const problem = explain(one, quiet);
    if (problem === null) continue;
    return `${name(one.eventId)} to ${name(one.endpointId)} stands still: ${problem}.`;
  }
  return null;
}

function explain(one: StoredDelivery, quiet: Quiet): string | null {
  const lane = quiet.lanes.find(one.endpointId);
  if (one.node !== null && one.node !== quiet.node) return 'a dead node holds it';
  if (isUnderWay(one, quiet)) return null;
  if (lane === undefined) return 'its endpoint was deleted, and it is not canceled';
  if (!lane.config.isEnabled) {
    return one.node === null ? null : 'it is in memory, and its endpoint is disabled';
  }
  if (one.orderKey !== null && quiet.store.waitsBehindAnother(one)) return null;
  if (lane.underWay.size > 0 || !hasRoom(quiet)) return null;
  const readyMs = Math.max(
    readyByItself(one, lane, quiet.nowMs),
    readyByLane(lane),
    one.node === null ? lane.claimAgainMs : 0,
  );
  if (readyMs + SLACK_MS >= quiet.untilMs) return null;
  const place = one.node === null ? `in the store, due at ${one.dueAtMs}` : 'in memory';
  return `it is ${place}, could go at ${readyMs}, and nothing happens until ${quiet.untilMs}`;
}

/** It is being posted, or is in memory behind one that is. */
function isUnderWay(one: StoredDelivery, { lanes, store }: Quiet): boolean {
  for (const { config, eventIds } of lanes.underWay) {
    if (config.id !== one.endpointId) continue;
    if (eventIds.includes(one.eventId)) return true;
    const isOfLine = eventIds.some(
      (eventId) => store.delivery(eventId, one.endpointId)?.orderKey === one.orderKey,
    );
    if (one.node !== null && one.orderKey !== null && isOfLine) return true;
  }
  return false;
}

/** Whatever its project and its lane have by now, their share of what is free is larger (shares.ts). */
function hasRoom({ inMemory, memoryLimit, lanes, concurrency }: Quiet): boolean {
  const { size } = lanes.underWay;
  return 3 * (memoryLimit - inMemory) > 5 * inMemory && 3 * (concurrency - size) > 5 * size;
}

function readyByItself(one: StoredDelivery, { config }: WatchedLane, nowMs: number): number {
  const { batch, coalesceMs } = config.settings;
  const batchMs = batch?.maxWaitMs ?? 0;
  // Whoever is in memory may wait for company; of those that want order, the store has them wait.
  if (one.node !== null) return nowMs + batchMs + (coalesceMs ?? 0);
  return (one.dueAtMs ?? 0) + (one.orderKey === null ? 0 : batchMs);
}

function readyByLane({ breaker, paidUntilMs }: WatchedLane): number {
  if (breaker.state === 'open') return Math.max(paidUntilMs, breaker.probe.latestMs);
  return Math.max(paidUntilMs, breaker.state === 'recovering' ? breaker.pacedUntilMs : 0);
}
