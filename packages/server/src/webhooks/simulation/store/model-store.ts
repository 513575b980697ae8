import { higherStanding, type Standing } from '@posthorn/sdk';
import { type EventPosition, sealEventBody } from '../../../core/events/event-body.ts';
import {
  type AttemptRecord,
  type ClaimedDelivery,
  type DeliveryClaim,
  type EventRecord,
  StoreConflict,
} from '../../../store/engine.ts';
import type { BareStore, StoredDelivery, StoredEvent } from './bare-store.ts';
import { createEndpointTable } from './endpoint-table.ts';

/** The store in the plainest words, all in memory. What it must do, conformance/ says. */
export interface ModelStore extends BareStore {
  deliveries(): Iterable<StoredDelivery>;
  ofEndpoint(endpointId: string): readonly StoredDelivery[];
  waitsBehindAnother(one: StoredDelivery): boolean;
  delivery(eventId: string, endpointId: string): StoredDelivery | undefined;
  event(eventId: string): StoredEvent | undefined;
}

/** As many follow a claimed delivery from its line, at most (claim-deliveries.ts). */
const LINE_LIMIT = 64;

export function createModelStore(): ModelStore {
  const events = new Map<string, StoredEvent>();
  const idsByDedupKey = new Map<string, string>();
  const standings = new Map<string, { sequence: number; standing: Standing | null }>();
  const byKey = new Map<string, StoredDelivery>();
  const byEndpoint = new Map<string, StoredDelivery[]>();
  let position = 0;

  const ofEndpoint = (endpointId: string): StoredDelivery[] => byEndpoint.get(endpointId) ?? [];
  const find = (eventId: string, endpointId: string) => byKey.get(`${eventId}/${endpointId}`);

  function waitsBehindAnother(one: StoredDelivery): boolean {
    if (one.orderKey === null) return false;
    return ofEndpoint(one.endpointId).some((other) => isBefore(other, one));
  }

  function addDelivery(event: EventRecord, owed: EventRecord['deliveries'][number]): void {
    const { endpointId, state, urgency, node, orderKey } = owed;
    const one: StoredDelivery = {
      projectId: event.projectId,
      eventId: event.id,
      endpointId,
      state,
      urgency,
      attempts: 0,
      failures: 0,
      dueAtMs: null,
      node,
      orderKey,
      position,
    };
    if (state === 'pending' && !waitsBehindAnother(one)) one.dueAtMs = owed.dueAtMs;
    byKey.set(`${event.id}/${endpointId}`, one);
    byEndpoint.set(endpointId, [...ofEndpoint(endpointId), one]);
  }

  function takePosition(event: EventRecord): EventPosition | null {
    if (event.messageKey === null || event.recipient === null) return null;
    const key = JSON.stringify([event.projectId, event.messageKey, event.recipient]);
    const before = standings.get(key) ?? { sequence: 0, standing: null };
    const standing = higherStanding(before.standing, event.standing);
    const sequence = before.sequence + 1;
    standings.set(key, { sequence, standing });
    return {
      sequence,
      state: standing?.state ?? null,
      previousState: before.standing?.state ?? null,
    };
  }

  function appendOne(event: EventRecord) {
    const dedupKey = event.dedupKey === null ? null : `${event.projectId} ${event.dedupKey}`;
    const earlier = dedupKey === null ? undefined : idsByDedupKey.get(dedupKey);
    if (earlier !== undefined)
      return { id: event.id, duplicateOf: earlier, position: null, place: null };
    if (dedupKey !== null) idsByDedupKey.set(dedupKey, event.id);
    const standing = takePosition(event);
    position += 1;
    const body = sealEventBody(event.json, standing);
    events.set(event.id, { id: event.id, type: event.type, body });
    for (const owed of event.deliveries) addDelivery(event, owed);
    return { id: event.id, duplicateOf: null, position: standing, place: position };
  }

  function toClaimed(one: StoredDelivery): ClaimedDelivery {
    const event = events.get(one.eventId);
    if (event === undefined) throw new Error(`The model has no event ${one.eventId}.`);
    const { eventId, attempts, failures, orderKey } = one;
    return { eventId, body: event.body, type: event.type, attempts, failures, orderKey };
  }

  function claimable({ endpointId, urgency }: DeliveryClaim) {
    return ofEndpoint(endpointId)
      .filter((one) => isFree(one) && one.urgency === urgency)
      .flatMap((one) => (one.dueAtMs === null ? [] : [{ one, dueAtMs: one.dueAtMs }]))
      .sort((a, b) => a.dueAtMs - b.dueAtMs || (a.one.eventId < b.one.eventId ? -1 : 1));
  }

  /** What stands behind it, up to one that somebody holds. */
  function lineBehind(head: StoredDelivery, claimed: StoredDelivery[]): StoredDelivery[] {
    if (head.orderKey === null) return [];
    const line = ofEndpoint(head.endpointId).filter((one) => isBefore(head, one) && isPending(one));
    const heldAt = line.findIndex((one) => one.node !== null || claimed.includes(one));
    return (heldAt === -1 ? line : line.slice(0, heldAt)).slice(0, LINE_LIMIT);
  }

  function moveUp({ endpointId, orderKey }: AttemptRecord, nowMs: number): void {
    if (orderKey === null) return;
    const [first] = ofEndpoint(endpointId).filter(
      (one) => one.orderKey === orderKey && isPending(one),
    );
    if (first?.node === null) first.dueAtMs ??= nowMs;
  }

  function giveBack(one: StoredDelivery, nowMs: number): void {
    Object.assign(one, { node: null, dueAtMs: waitsBehindAnother(one) ? null : nowMs });
  }

  return {
    ...createEndpointTable(),
    deliveries: () => byKey.values(),
    ofEndpoint,
    waitsBehindAnother,
    delivery: find,
    event: (eventId) => events.get(eventId),
    append: (records) => records.map(appendOne),
    recordAttempt(attempt) {
      const one = find(attempt.eventId, attempt.endpointId);
      if (one?.node !== attempt.node || !isPending(one)) return;
      const { next, number } = attempt;
      const isPendingStill = next.state === 'pending';
      Object.assign(one, {
        node: null,
        attempts: number,
        state: next.state,
        failures: isPendingStill ? next.failures : 0,
        dueAtMs: isPendingStill ? next.dueAtMs : null,
      });
      if (isPendingStill && waitsBehindAnother(one)) one.dueAtMs = null;
      moveUp(attempt, isPendingStill ? attempt.startedAtMs : next.endedAtMs);
    },
    claimDeliveries(claim) {
      const claimed: StoredDelivery[] = [];
      for (const { one: head, dueAtMs } of claimable(claim)) {
        if (dueAtMs > claim.nowMs || claimed.length >= claim.limit) break;
        if (claimed.includes(head)) continue;
        claimed.push(head);
        claimed.push(...lineBehind(head, claimed).slice(0, claim.limit - claimed.length));
      }
      for (const one of claimed) one.node = claim.node;
      return {
        deliveries: claimed.map(toClaimed),
        nextDueAtMs: claimable(claim)[0]?.dueAtMs ?? null,
      };
    },
    releaseLeases({ exceptNode, nowMs }) {
      const held = [...byKey.values()].filter(({ node }) => node !== null && node !== exceptNode);
      for (const one of held) giveBack(one, nowMs);
      return { released: held.length };
    },
    release({ endpointId, node, nowMs }, { due, inLine }) {
      for (const eventId of [...due, ...inLine]) {
        const one = find(eventId, endpointId);
        if (one?.node === node) giveBack(one, nowMs);
      }
    },
    cancelWaiting(_projectId, endpointId, _nowMs, limit) {
      const waiting = ofEndpoint(endpointId).filter(isFree);
      const inLine = waiting.filter(({ dueAtMs }) => dueAtMs === null);
      const due = waiting.filter(({ dueAtMs }) => dueAtMs !== null);
      const canceled = [...inLine, ...due].slice(0, limit);
      for (const one of canceled) Object.assign(one, { state: 'canceled', dueAtMs: null });
      return { more: canceled.length === limit };
    },
    requeue({ eventId, endpointId }, nowMs) {
      const one = find(eventId, endpointId);
      if (one === undefined || one.node !== null) throw new StoreConflict('A node holds it.');
      one.failures = 0;
      if (!isPending(one)) Object.assign(one, { state: 'pending', orderKey: null, dueAtMs: nowMs });
      else if (one.dueAtMs !== null) one.dueAtMs = nowMs;
    },
    restart() {},
    close() {},
  };
}

const isPending = (one: StoredDelivery): boolean => one.state === 'pending';
const isFree = (one: StoredDelivery): boolean => isPending(one) && one.node === null;

/** Does it stand in line before the other, and is it still to be done? */
function isBefore(one: StoredDelivery, other: StoredDelivery): boolean {
  return one.orderKey === other.orderKey && one.position < other.position && isPending(one);
}
