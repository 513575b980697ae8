import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import type { LiveEndpoint } from './endpoint-directory.ts';
import { type Lane, type ReadyDelivery, takeNext } from './lane.ts';

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
  const waiting = lane.shelves.flatMap(({ paged, fresh }) => [...paged, ...fresh]);
  const chosen = chooseUnit(waiting, lane.endpoint, nowMs);
  if ('waitUntilMs' in chosen) return chosen;
  const taken = new Set(chosen.deliveries);
  for (const shelf of lane.shelves) {
    shelf.paged = shelf.paged.filter((one) => !taken.has(one));
    shelf.fresh = shelf.fresh.filter((one) => !taken.has(one));
  }
  if (batch !== null && chosen.isBatch) addLines(chosen, batch.maxEvents);
  return chosen;
}

/** Its ids stand in the body, which stays under 20 kB; what is beyond goes with the next one. */
const MAX_COALESCED = 100;

const COALESCED: ReadonlySet<EventType> = new Set<EventType>(['email.opened', 'email.clicked']);

/**
 * Chooses among what waits, the most urgent first. What goes neither in batches nor as one with
 * others goes singly and first. A batch goes when it is full or when its first event has waited long
 * enough; an open or click when it has waited for others like it.
 */
export function chooseUnit(
  waiting: readonly ReadyDelivery[],
  endpoint: Pick<LiveEndpoint, 'record' | 'batchedTypes'>,
  nowMs: number,
): PostUnit | UnitWait {
  const { batch, coalesceMs } = endpoint.record.settings;
  const { batchedTypes } = endpoint;
  const isBatched = (one: ReadyDelivery): boolean => batchedTypes?.has(one.type) ?? false;
  const isCoalesced = (one: ReadyDelivery): boolean =>
    coalesceMs !== null && COALESCED.has(one.type);

  const single = waiting.find((one) => !isBatched(one) && !isCoalesced(one));
  if (single !== undefined) return { deliveries: [single], groups: null, isBatch: false };

  const groups = groupAlike(waiting, isCoalesced);
  const ripe = groups.filter(
    ([first]) =>
      first !== undefined && (!isCoalesced(first) || first.readyAtMs + (coalesceMs ?? 0) <= nowMs),
  );
  const alone = ripe.find(([first]) => first !== undefined && !isBatched(first));
  if (alone !== undefined) {
    return { deliveries: alone, groups: alone.length === 1 ? null : [alone], isBatch: false };
  }
  const together = ripe.slice(0, batch?.maxEvents ?? 1);
  const waits = groups.map(([first]) => ripenessOf(first));
  const oldestMs = Math.min(...together.map(([first]) => ripenessOf(first)));
  if (batch !== null && (together.length >= batch.maxEvents || oldestMs <= nowMs)) {
    if (together.length > 0) {
      return { deliveries: together.flat(), groups: together, isBatch: true };
    }
  }
  return { waitUntilMs: waits.length === 0 ? null : Math.min(...waits) };

  /** When this one may go without more company. */
  function ripenessOf(first: ReadyDelivery | undefined): number {
    if (first === undefined) return Number.POSITIVE_INFINITY;
    const batchWaitMs = isBatched(first) ? (batch?.maxWaitMs ?? 0) : 0;
    return first.readyAtMs + Math.max(batchWaitMs, isCoalesced(first) ? (coalesceMs ?? 0) : 0);
  }
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

/** In an ordered endpoint's batch, those in line come along behind their first. */
function addLines(unit: PostUnit, maxEvents: number): void {
  for (const head of [...unit.deliveries]) {
    const room = maxEvents - (unit.groups?.length ?? 0);
    const followers = head.line.splice(0, room);
    const last = followers.at(-1);
    if (last === undefined) continue;
    // The rest of the line now stands behind the last one that goes.
    last.line = head.line;
    head.line = [];
    unit.deliveries.push(...followers);
    unit.groups?.push(...followers.map((one) => [one]));
  }
}
