import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import type { LiveEndpoint } from './endpoints/live-endpoint.ts';
import {
  isYieldTurn,
  type Lane,
  listWaiting,
  type Quiet,
  type ReadyDelivery,
  takeNext,
} from './lane.ts';

/** What goes out in one post. */
export interface PostUnit {
  deliveries: ReadyDelivery[];
  /**
   * Null for one plain event. Otherwise its bodies: each group is one event, or opens or clicks that
   * repeat and go as one.
   */
  groups: ReadyDelivery[][] | null;
  /** The groups go as an array. */
  isBatch: boolean;
}

/** Nothing may go now; `waitUntilMs`: when something may, if nothing new comes. */
export interface UnitWait {
  waitUntilMs: number | null;
}

/** Takes the next unit out of the lane. */
export function takeUnit(lane: Lane, nowMs: number): PostUnit | UnitWait {
  const { batch, record } = lane.endpoint;
  if (batch === null && record.settings.coalesceMs === null) {
    const next = takeNext(lane);
    return next === undefined ? { waitUntilMs: null } : unitOf(next);
  }
  const { quiet } = lane;
  if (quiet !== null && nowMs < quiet.untilMs) return { waitUntilMs: quiet.untilMs };
  const waiting = listWaiting(lane);
  const chosen = chooseUnit(waiting, lane.endpoint, nowMs, isYieldTurn(lane));
  if ('untilMs' in chosen) {
    lane.quiet = waiting.length === 0 ? null : chosen;
    return { waitUntilMs: lane.quiet?.untilMs ?? null };
  }
  const taken = new Set(chosen.deliveries);
  for (const shelf of lane.shelves) {
    shelf.paged = shelf.paged.filter((one) => !taken.has(one));
    shelf.fresh = shelf.fresh.filter((one) => !taken.has(one));
  }
  addLines(chosen, lane.endpoint);
  return chosen;
}

/** A fresh delivery has joined what waits: does the time still hold before which nothing may go? */
export function noteFresh(lane: Lane, one: ReadyDelivery): void {
  const { quiet } = lane;
  if (quiet === null) return;
  const kind = kindOf(one, lane.endpoint);
  quiet.untilMs = Math.min(quiet.untilMs, one.readyAtMs + waitOf(kind, lane.endpoint));
  if (!kind.isBatched || kind.isCoalesced) return;
  quiet.eventsToFull -= 1;
  if (quiet.eventsToFull <= 0) lane.quiet = null;
}

/** Its ids stand in the body, which stays under 20 kB; what is beyond goes with the next one. */
const MAX_COALESCED = 100;

const COALESCED: ReadonlySet<EventType> = new Set<EventType>(['email.opened', 'email.clicked']);

interface Kind {
  isBatched: boolean;
  isCoalesced: boolean;
}

type Wishes = Pick<LiveEndpoint, 'record' | 'batch' | 'batchedTypes'>;

function kindOf({ type }: ReadyDelivery, { record, batchedTypes }: Wishes): Kind {
  const isCoalesced = record.settings.coalesceMs !== null && COALESCED.has(type);
  return { isBatched: batchedTypes?.has(type) === true, isCoalesced };
}

const isSingle = ({ isBatched, isCoalesced }: Kind): boolean => !isBatched && !isCoalesced;

/** How long the first of its kind waits for company, alone or in a batch that is not full. */
function waitOf({ isBatched, isCoalesced }: Kind, { record, batch }: Wishes): number {
  const { coalesceMs } = record.settings;
  return Math.max(isBatched ? (batch?.maxWaitMs ?? 0) : 0, isCoalesced ? (coalesceMs ?? 0) : 0);
}

/** One event, or opens or clicks that are alike. */
interface Group {
  kind: Kind;
  deliveries: ReadyDelivery[];
  /** When the first of them began to wait. */
  sinceMs: number;
}

/**
 * Chooses among what waits, which stands in the order of its turn. What goes neither in batches nor as
 * one with others goes singly and first; with `yields` last, so that a flood of it does not keep the
 * others waiting for ever. A batch goes when it is full or when its first event has waited long
 * enough; an open or click when it has waited for others like it.
 */
function chooseUnit(
  waiting: readonly ReadyDelivery[],
  endpoint: Wishes,
  nowMs: number,
  yields: boolean,
): PostUnit | Quiet {
  const groups = new Map<string, Group>();
  let single: ReadyDelivery | undefined;
  for (const one of waiting) {
    const kind = kindOf(one, endpoint);
    if (isSingle(kind)) {
      single ??= one;
      if (yields) continue;
      break;
    }
    const key = kind.isCoalesced ? coalesceKey(one) : one.eventId;
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { kind, deliveries: [one], sinceMs: one.readyAtMs });
    } else if (group.deliveries.length < MAX_COALESCED) {
      group.deliveries.push(one);
      group.sinceMs = Math.min(group.sinceMs, one.readyAtMs);
    }
  }
  if (single !== undefined && !yields) return unitOf(single);
  const chosen = chooseGroups(groups.values(), endpoint, nowMs);
  return 'untilMs' in chosen && single !== undefined ? unitOf(single) : chosen;
}

function chooseGroups(groups: Iterable<Group>, endpoint: Wishes, nowMs: number): PostUnit | Quiet {
  const { batch } = endpoint;
  const { coalesceMs } = endpoint.record.settings;
  const maxEvents = batch?.maxEvents ?? 0;
  const together: ReadyDelivery[][] = [];
  let untilMs = Number.POSITIVE_INFINITY;
  for (const { kind, deliveries, sinceMs } of groups) {
    untilMs = Math.min(untilMs, sinceMs + waitOf(kind, endpoint));
    // It waits for others like it, and a batch that is full goes without it.
    if (kind.isCoalesced && sinceMs + (coalesceMs ?? 0) > nowMs) continue;
    deliveries.sort(compareIds);
    if (kind.isBatched) together.push(deliveries);
    else
      return { deliveries, groups: deliveries.length === 1 ? null : [deliveries], isBatch: false };
    if (together.length === maxEvents) return batchOf(together);
  }
  if (untilMs <= nowMs) return batchOf(together);
  return { untilMs, eventsToFull: maxEvents - together.length };
}

const unitOf = (one: ReadyDelivery): PostUnit => ({
  deliveries: [one],
  groups: null,
  isBatch: false,
});

/** In the order of their ids, so that the same events make the same post when it is repeated. */
function batchOf(groups: ReadyDelivery[][]): PostUnit {
  groups.sort(([a], [b]) => compareIds(a, b));
  return { deliveries: groups.flat(), groups, isBatch: true };
}

const keys = new WeakMap<ReadyDelivery, string>();

function coalesceKey(one: ReadyDelivery): string {
  let key = keys.get(one);
  if (key === undefined) {
    key = computeCoalesceKey(one);
    keys.set(one, key);
  }
  return key;
}

function computeCoalesceKey(one: ReadyDelivery): string {
  const { data }: CanonicalEvent = JSON.parse(one.body);
  const { message, recipient, engagement } = data;
  const messageKey = message?.id ?? message?.provider_id ?? message?.smtp_id ?? one.eventId;
  const machine = engagement?.machine ?? null;
  return JSON.stringify([one.type, messageKey, recipient, engagement?.url ?? null, machine]);
}

function compareIds(a: ReadyDelivery | undefined, b: ReadyDelivery | undefined): number {
  if (a === undefined || b === undefined || a.eventId === b.eventId) return 0;
  return a.eventId < b.eventId ? -1 : 1;
}

/** In an ordered endpoint's batch, those in line come along behind their first. */
function addLines(unit: PostUnit, { batch, batchedTypes }: LiveEndpoint): void {
  if (!unit.isBatch || batch === null || unit.groups === null) return;
  for (const head of [...unit.deliveries]) {
    const room = batch.maxEvents - unit.groups.length;
    const other = head.line.findIndex(({ type }) => batchedTypes?.has(type) !== true);
    const followers = head.line.splice(0, other === -1 ? room : Math.min(room, other));
    const last = followers.at(-1);
    if (last === undefined) continue;
    // The rest of the line now stands behind the last one that goes.
    last.line = head.line;
    head.line = [];
    unit.deliveries.push(...followers);
    unit.groups.push(...followers.map((one) => [one]));
  }
}
