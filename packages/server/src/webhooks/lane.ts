import type { EventType } from '@posthorn/sdk';
import { URGENCIES, type Urgency } from '../core/events/urgency.ts';
import { type Breaker, createBreaker, RATE_SLACK_MS } from './breaker.ts';
import type { LiveEndpoint } from './endpoints/live-endpoint.ts';

/** A delivery in memory: leased to this node, waiting for its turn or under way. */
export interface ReadyDelivery {
  projectId: string;
  endpointId: string;
  eventId: string;
  type: EventType;
  body: string;
  urgency: Urgency;
  attempts: number;
  failures: number;
  orderKey: string | null;
  /** When it began to wait for others of its batch; 0 for what need not wait. */
  readyAtMs: number;
  /** What stands in line behind it, in order; they go one after the other, or not at all. */
  line: ReadyDelivery[];
}

/** What one endpoint has of one urgency. Fresh is straight from its commit, paged from the store. */
export interface Shelf {
  fresh: ReadyDelivery[];
  paged: ReadyDelivery[];
  /** Rooms promised to events whose commit is under way. */
  reserved: number;
  /** When the next delivery that waits in the store is due; null when none is known to wait. */
  storedDueAtMs: number | null;
  claiming: boolean;
  turns: number;
}

/** What was found out the last time when nothing could go: it saves looking through everything. */
export interface Quiet {
  /** Nothing that waits may go before, unless something comes. */
  untilMs: number;
  /** So many more events fill a batch. */
  eventsToFull: number;
}

/**
 * What one endpoint has in memory. Pure bookkeeping; dispatcher.ts acts on it.
 *
 * `held` counts every delivery that takes up memory: reserved, fresh, paged, in line, in flight, and
 * results on their way into the store.
 */
export interface Lane {
  endpoint: LiveEndpoint;
  /** By urgency. */
  shelves: readonly [Shelf, Shelf, Shelf];
  held: number;
  /** Posts under way. */
  inFlight: number;
  /** Results on their way into the store. */
  unrecorded: number;
  breaker: Breaker;
  /** The version of the endpoint whose receiver has let us in, where it has to be asked. */
  letInBy: LiveEndpoint | null;
  /** Requests a minute that it takes; null for any number. */
  allowedPerMinute: number | null;
  /** When the rate limit lets the next event go, ms. */
  nextByRateMs: number;
  turns: number;
  /** Of an endpoint with batches, or that coalesces; null when it has to be looked. */
  quiet: Quiet | null;
  /** When the lane looks again by itself; null when it need not. */
  wakeAtMs: number | null;
  cancelTimer: (() => void) | null;
  /** The endpoint was deleted; what is still under way ends, and nothing new begins. */
  removed: boolean;
}

/** Deliveries of one endpoint in memory, at most: a few seconds of work for a fast endpoint. */
export const LANE_CAPACITY = 4_096;
/** Kept for urgent ones: a lane full of opens still takes a bounce. */
const URGENT_ROOM = 512;
/** Fresh deliveries that are not urgent, at most, so that retries have room too. */
const FRESH_LIMIT = LANE_CAPACITY / 2;
/** What a shelf reads back at most. */
const PAGED_LIMIT = LANE_CAPACITY / 4;
/** Of so many turns of a shelf one goes to paged deliveries when fresh ones wait too. */
const PAGED_TURN = 4;
/** Of so many turns one each goes to bulk and to the middle, or a flood of bounces would stop them. */
const YIELD_TURN = 16;

export function createLane(endpoint: LiveEndpoint): Lane {
  return {
    endpoint,
    shelves: [createShelf(), createShelf(), createShelf()],
    held: 0,
    inFlight: 0,
    unrecorded: 0,
    breaker: createBreaker(),
    letInBy: null,
    allowedPerMinute: null,
    nextByRateMs: 0,
    turns: 0,
    quiet: null,
    wakeAtMs: null,
    cancelTimer: null,
    removed: false,
  };
}

function createShelf(): Shelf {
  return { fresh: [], paged: [], reserved: 0, storedDueAtMs: null, claiming: false, turns: 0 };
}

export function hasRoomForFresh(lane: Lane, urgency: Urgency): boolean {
  if (urgency === 0) return lane.held < LANE_CAPACITY;
  if (lane.held >= LANE_CAPACITY - URGENT_ROOM) return false;
  const [, normal, bulk] = lane.shelves;
  const fresh = normal.fresh.length + normal.reserved + bulk.fresh.length + bulk.reserved;
  return fresh < FRESH_LIMIT;
}

/** How many to read back now; 0 while more than half of what was read last time still waits. */
export function roomForPaged(lane: Lane, urgency: Urgency): number {
  const { paged } = lane.shelves[urgency];
  if (paged.length > PAGED_LIMIT / 2) return 0;
  const capacity = urgency === 0 ? LANE_CAPACITY : LANE_CAPACITY - URGENT_ROOM;
  return Math.max(0, Math.min(PAGED_LIMIT - paged.length, capacity - lane.held));
}

/** `first`: before everything else that was read back. */
export function putPaged(lane: Lane, one: ReadyDelivery, place: 'first' | 'last' = 'last'): void {
  const { paged } = lane.shelves[one.urgency];
  if (place === 'first') paged.unshift(one);
  else paged.push(one);
  lane.quiet = null;
}

export function isWaiting(lane: Lane): boolean {
  return lane.shelves.some(({ fresh, paged }) => fresh.length + paged.length > 0);
}

export function takeNext(lane: Lane): ReadyDelivery | undefined {
  for (const shelf of shelvesInTurn(lane)) {
    const next = takeFrom(shelf);
    if (next !== undefined) return next;
  }
  return undefined;
}

/** Everything that waits, in the order of this turn. */
export function listWaiting(lane: Lane): ReadyDelivery[] {
  return shelvesInTurn(lane).flatMap((shelf) => {
    const { fresh, paged } = shelf;
    return isPagedTurn(shelf) ? [...paged, ...fresh] : [...fresh, ...paged];
  });
}

/** It is the turn of what waits behind others all the time. */
export function isYieldTurn(lane: Lane): boolean {
  return lane.turns % YIELD_TURN === 0;
}

/** The most urgent first, with a turn now and then for what would starve otherwise. */
function shelvesInTurn(lane: Lane): readonly Shelf[] {
  lane.turns += 1;
  const [urgent, normal, bulk] = lane.shelves;
  if (isYieldTurn(lane)) return [bulk, normal, urgent];
  if (lane.turns % YIELD_TURN === YIELD_TURN / 2) return [normal, urgent, bulk];
  return lane.shelves;
}

function takeFrom(shelf: Shelf): ReadyDelivery | undefined {
  if (isPagedTurn(shelf)) return shelf.paged.shift() ?? shelf.fresh.shift();
  return shelf.fresh.shift() ?? shelf.paged.shift();
}

function isPagedTurn(shelf: Shelf): boolean {
  shelf.turns += 1;
  return shelf.turns % PAGED_TURN === 0;
}

/** Everything that waits in memory, the lines with it, taken out. */
export function takeAll(lane: Lane): ReadyDelivery[] {
  const taken: ReadyDelivery[] = [];
  lane.quiet = null;
  for (const shelf of lane.shelves) {
    taken.push(...shelf.paged.splice(0), ...shelf.fresh.splice(0));
  }
  return taken;
}

/** Notes that a delivery waits in the store. */
export function noteStored(lane: Lane, urgency: Urgency, dueAtMs: number): void {
  const shelf = lane.shelves[urgency];
  if (shelf.storedDueAtMs === null || dueAtMs < shelf.storedDueAtMs) shelf.storedDueAtMs = dueAtMs;
}

export function noteAnyStored(lane: Lane, dueAtMs: number): void {
  for (const urgency of URGENCIES) noteStored(lane, urgency, dueAtMs);
}

/** When the endpoint's rate limit lets the next post start: now or earlier, or a time to come. */
export function nextByRate(lane: Lane): number {
  return Math.ceil(lane.nextByRateMs - RATE_SLACK_MS);
}

/** A post begins. Each of so many nodes takes its part of what the endpoint allows. */
export function noteRate(lane: Lane, events: number, nodes: number, nowMs: number): void {
  const { ratePerSecond } = lane.endpoint.record.settings;
  const { allowedPerMinute } = lane;
  const byEvents = ratePerSecond === null ? 0 : (events * nodes * 1_000) / ratePerSecond;
  const byRequests = allowedPerMinute === null ? 0 : (nodes * MINUTE_MS) / allowedPerMinute;
  const waitMs = Math.max(byEvents, byRequests);
  if (waitMs > 0) lane.nextByRateMs = Math.max(lane.nextByRateMs, nowMs) + waitMs;
}

const MINUTE_MS = 60_000;

/** Its receiver has let us in, and has said how many requests it takes. */
export function noteLetIn(
  lane: Lane,
  { endpoint, allowedPerMinute, nodes, startedAtMs }: LetIn,
): void {
  lane.letInBy = endpoint;
  lane.allowedPerMinute = allowedPerMinute;
  if (allowedPerMinute === null) return;
  // The first post began before anybody knew.
  const nextMs = startedAtMs + (nodes * MINUTE_MS) / allowedPerMinute;
  lane.nextByRateMs = Math.max(lane.nextByRateMs, nextMs);
}

interface LetIn {
  endpoint: LiveEndpoint;
  allowedPerMinute: number | null;
  nodes: number;
  /** When the post began with whose result this became known. */
  startedAtMs: number;
}

/** Posts under way at once: one alone as long as the receiver has not been asked. */
export function concurrencyOf(lane: Lane, nodes: number): number {
  const { endpoint } = lane;
  const isLetIn = !endpoint.asksFirst || lane.letInBy === endpoint;
  return isLetIn ? Math.ceil(endpoint.concurrency / nodes) : 1;
}
