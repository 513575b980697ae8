import type { EventType } from '@posthorn/sdk';
import type { LiveEndpoint } from './endpoint-directory.ts';

/** A delivery in memory: leased to this node, waiting for its turn or under way. */
export interface ReadyDelivery {
  projectId: string;
  endpointId: string;
  eventId: string;
  type: EventType;
  body: string;
  attempts: number;
  failures: number;
}

/**
 * What one endpoint has in memory. Pure bookkeeping; dispatcher.ts acts on it.
 *
 *   reserved   rooms promised to events whose commit is under way
 *   fresh      first attempts, straight from their commit
 *   paged      what was read back from the store: retries, and what found the lane full
 *   inFlight   posts under way
 *   unrecorded results on their way into the store
 *
 * Fresh and paged deliveries have half of the lane each, and of every four turns paged ones get one
 * when both wait, so that neither a storm of retries nor a flood of events starves the other.
 */
export interface Lane {
  endpoint: LiveEndpoint;
  fresh: ReadyDelivery[];
  paged: ReadyDelivery[];
  reserved: number;
  inFlight: number;
  unrecorded: number;
  /** When the next delivery that waits in the store is due; null when none is known to wait. */
  storedDueAtMs: number | null;
  claiming: boolean;
  cancelTimer: (() => void) | null;
  turns: number;
  /** The endpoint was deleted; what is still under way ends, and nothing new begins. */
  removed: boolean;
}

/** Deliveries of one endpoint in memory, at most: a few seconds of work for a fast endpoint. */
export const LANE_CAPACITY = 4_096;
const HALF = LANE_CAPACITY / 2;

export function createLane(endpoint: LiveEndpoint): Lane {
  return {
    endpoint,
    fresh: [],
    paged: [],
    reserved: 0,
    inFlight: 0,
    unrecorded: 0,
    storedDueAtMs: null,
    claiming: false,
    cancelTimer: null,
    turns: 0,
    removed: false,
  };
}

export function heldBy(lane: Lane): number {
  return lane.reserved + lane.fresh.length + lane.paged.length + lane.inFlight + lane.unrecorded;
}

export function hasRoomForFresh(lane: Lane): boolean {
  return lane.reserved + lane.fresh.length < HALF && heldBy(lane) < LANE_CAPACITY;
}

/** How many to read back now; 0 while more than half of what was read last time still waits. */
export function roomForPaged(lane: Lane): number {
  if (lane.paged.length > HALF / 2) return 0;
  return Math.max(0, Math.min(HALF - lane.paged.length, LANE_CAPACITY - heldBy(lane)));
}

export function takeNext(lane: Lane): ReadyDelivery | undefined {
  lane.turns += 1;
  const pagedFirst = lane.turns % 4 === 0;
  const [first, second] = pagedFirst ? [lane.paged, lane.fresh] : [lane.fresh, lane.paged];
  return first.shift() ?? second.shift();
}

/** Notes that a delivery waits in the store. */
export function noteStored(lane: Lane, dueAtMs: number): void {
  if (lane.storedDueAtMs === null || dueAtMs < lane.storedDueAtMs) lane.storedDueAtMs = dueAtMs;
}
