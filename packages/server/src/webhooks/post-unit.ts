import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import type { LiveEndpoint } from './endpoint-directory.ts';
import { isYieldTurn, type Lane, listWaiting, type ReadyDelivery, takeNext } from './lane.ts';

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
  const { batch, coalesceMs } = lane.endpoint.record.settings;
  if (batch === null && coalesceMs === null) {
    const next = takeNext(lane);
    return next === undefined
      ? { waitUntilMs: null }
      : { deliveries: [next], groups: null, isBatch: false };
  }
  const waiting = listWaiting(lane);
  const chosen = chooseUnit(waiting, lane.endpoint, nowMs, isYieldTurn(lane));
  if ('waitUntilMs' in chosen) return chosen;
  const taken = new Set(chosen.deliveries);
  for (const shelf of lane.shelves) {
    shelf.paged = shelf.paged.filter((one) => !taken.has(one));
    shelf.fresh = shelf.fresh.filter((one) => !taken.has(one));
  }
  addLines(chosen, lane.endpoint);
  return chosen;
}

/** Its ids stand in the body, which stays under 20 kB; what is beyond goes with the next one. */
const MAX_COALESCED = 100;

const COALESCED: ReadonlySet<EventType> = new Set<EventType>(['email.opened', 'email.clicked']);

/** One event, or opens or clicks that are alike. */
interface Group {
  deliveries: ReadyDelivery[];
  /** When it may go without more company, alone or in a batch that is not full. */
  ripeAtMs: number;
  /** It waits no more for others like it: it may go in a batch that is full. */
  isComplete: boolean;
  isBatched: boolean;
}

/**
 * Chooses among what waits, which stands in the order of its turn. What goes neither in batches nor as
 * one with others goes singly and first; with `yields` last, so that a flood of it does not keep the
 * others waiting for ever. A batch goes when it is full or when its first event has waited long
 * enough; an open or click when it has waited for others like it.
 */
export function chooseUnit(
  waiting: readonly ReadyDelivery[],
  endpoint: Pick<LiveEndpoint, 'record' | 'batchedTypes'>,
  nowMs: number,
  yields: boolean,
): PostUnit | UnitWait {
  const { batch, coalesceMs } = endpoint.record.settings;
  const isBatched = (one: ReadyDelivery): boolean => endpoint.batchedTypes?.has(one.type) ?? false;
  const isCoalesced = (one: ReadyDelivery): boolean =>
    coalesceMs !== null && COALESCED.has(one.type);
  const isSingle = (one: ReadyDelivery): boolean => !isBatched(one) && !isCoalesced(one);

  const single = waiting.find(isSingle);
  const singly = single && { deliveries: [single], groups: null, isBatch: false };
  if (singly !== undefined && !yields) return singly;

  const together = single === undefined ? waiting : waiting.filter((one) => !isSingle(one));
  const groups = groupAlike(together, isCoalesced).map((deliveries): Group => {
    const [first] = deliveries;
    const isIn = first !== undefined && isBatched(first);
    const coalesceWaitMs = first !== undefined && isCoalesced(first) ? (coalesceMs ?? 0) : 0;
    const sinceMs = Math.min(...deliveries.map(({ readyAtMs }) => readyAtMs));
    return {
      deliveries,
      ripeAtMs: sinceMs + Math.max(isIn ? (batch?.maxWaitMs ?? 0) : 0, coalesceWaitMs),
      isComplete: sinceMs + coalesceWaitMs <= nowMs,
      isBatched: isIn,
    };
  });
  const unit = chooseGroups(groups, batch?.maxEvents ?? 1, nowMs) ?? singly;
  if (unit !== undefined) return unit;
  const ripeAtMs = groups.map((group) => group.ripeAtMs);
  return { waitUntilMs: ripeAtMs.length === 0 ? null : Math.min(...ripeAtMs) };
}

function chooseGroups(
  groups: readonly Group[],
  maxEvents: number,
  nowMs: number,
): PostUnit | undefined {
  const alone = groups.find((group) => !group.isBatched && group.isComplete);
  if (alone !== undefined) {
    const { deliveries } = alone;
    return { deliveries, groups: deliveries.length === 1 ? null : [deliveries], isBatch: false };
  }
  const batch = groups.filter((group) => group.isBatched && group.isComplete).slice(0, maxEvents);
  if (batch.length === 0) return undefined;
  if (batch.length < maxEvents && batch.every((group) => group.ripeAtMs > nowMs)) return undefined;
  // In the order of their ids, so that the same events make the same post when it is repeated.
  const bodies = batch.map(({ deliveries }) => deliveries).sort(([a], [b]) => compareIds(a, b));
  return { deliveries: bodies.flat(), groups: bodies, isBatch: true };
}

/** One group for each event, and one for opens or clicks of the same message, recipient and link. */
function groupAlike(
  waiting: readonly ReadyDelivery[],
  isCoalesced: (one: ReadyDelivery) => boolean,
): ReadyDelivery[][] {
  const groups = new Map<string, ReadyDelivery[]>();
  for (const one of waiting) {
    const key = isCoalesced(one) ? coalesceKey(one) : one.eventId;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else if (group.length < MAX_COALESCED) group.push(one);
  }
  for (const group of groups.values()) if (group.length > 1) group.sort(compareIds);
  return [...groups.values()];
}

const keys = new WeakMap<ReadyDelivery, string>();

function coalesceKey(one: ReadyDelivery): string {
  const known = keys.get(one) ?? computeCoalesceKey(one);
  keys.set(one, known);
  return known;
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
function addLines(unit: PostUnit, { record, batchedTypes }: LiveEndpoint): void {
  const { batch } = record.settings;
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
