import { type EventPosition, sealEventBody } from '../../../core/events/event-body.ts';
import type { AppendedEvent, EventRecord, OwedDelivery } from '../../engine.ts';
import { bigintArray, textArray } from '../connect/arrays.ts';
import type { Capabilities } from '../connect/capabilities.ts';
import { all, type Transaction } from '../connect/transactions.ts';
import { findWaiting } from './delivery-lines.ts';
import { findDuplicates, findIds, takeKeys } from './event-keys.ts';
import { takePlaces } from './log-order.ts';
import { lockStates } from './recipient-states.ts';
import { dedupKeyOf, idKeyOf, lineKeyOf } from './row-keys.ts';

/**
 * Appends many events in a handful of statements, each over all of them (`unnest`). First what has to be
 * known and held until the commit: which keys are free, the states of recipients, which lines have
 * somebody waiting, places in the log. Then, decided here, what is written.
 *
 * Rows are locked in the order of their keys, so that two nodes that append at once wait for each other
 * in one direction only. The lines are locked before (delivery-lines.ts).
 */
export interface PreparedAppend {
  /** Of each event, in order. */
  appended: AppendedEvent[];
  /** Sends what is written; once, and within the same transaction. */
  write(): Promise<unknown>[];
}

/** Two events of a batch have the same id; only one by one can be told what that means. */
export class NeedsOneByOne extends Error {}

interface PlacedEvent {
  event: EventRecord;
  position: EventPosition | null;
  place: number;
}

interface PlacedDelivery {
  event: EventRecord;
  owed: OwedDelivery;
  dueAtMs: number | null;
  place: number;
}

/** `checkIds`: look for each id among the stored events too; a batch finds out by failing. */
export async function prepareAppend(
  tx: Transaction,
  events: readonly EventRecord[],
  options: { capabilities: Capabilities; checkIds: boolean },
): Promise<PreparedAppend> {
  if (events.length === 0) return { appended: [], write: () => [] };
  const repeats = findRepeats(events);
  const firsts = events.filter((event) => repeats.get(event) === undefined);
  const [taken, states, waiting, , places, ids] = await all([
    takeKeys(tx, firsts),
    lockStates(tx, firsts),
    findWaiting(tx, firsts),
    ...takePlaces(tx, firsts.length, options.capabilities),
    options.checkIds ? findIds(tx, firsts) : Promise.resolve(new Set<string>()),
  ]);
  const duplicates = await findDuplicates(tx, firsts, taken, ids);
  const placed = new Map<EventRecord, PlacedEvent>();
  for (const [i, event] of firsts.entries()) {
    const place = places.rows[i]?.position;
    if (place === undefined) throw new Error('The sequence gave fewer places than asked for.');
    if (duplicates.has(event)) continue;
    placed.set(event, { event, place, position: states.fold(event) });
  }
  const inserted = [...placed.values()];
  const owed = placeInLines(inserted, waiting);
  return {
    appended: events.map((event) => {
      const first = repeats.get(event);
      const duplicateOf = duplicates.get(first ?? event) ?? first?.id ?? null;
      const { position = null, place = null } = placed.get(event) ?? {};
      return { id: event.id, duplicateOf, position, place };
    }),
    write: () => [...states.write(tx), insertEvents(tx, inserted), insertDeliveries(tx, owed)],
  };
}

/** Of each event that repeats the key of an earlier one in this batch, that one. */
function findRepeats(events: readonly EventRecord[]): Map<EventRecord, EventRecord> {
  const repeats = new Map<EventRecord, EventRecord>();
  const byKey = new Map<string, EventRecord>();
  const ids = new Set<string>();
  for (const event of events) {
    const key = dedupKeyOf(event);
    const first = key === null ? undefined : byKey.get(key);
    if (first !== undefined) {
      repeats.set(event, first);
      continue;
    }
    const id = idKeyOf(event);
    if (ids.has(id)) throw new NeedsOneByOne();
    ids.add(id);
    if (key !== null) byKey.set(key, event);
  }
  return repeats;
}

/** Behind an earlier one of its key that is pending, a delivery has no due time. */
function placeInLines(placed: readonly PlacedEvent[], waiting: Set<string>): PlacedDelivery[] {
  return placed.flatMap(({ event, place }) =>
    event.deliveries.map((owed): PlacedDelivery => {
      const { endpointId, orderKey, state } = owed;
      if (state !== 'pending') return { event, owed, place, dueAtMs: null };
      if (orderKey === null) return { event, owed, place, dueAtMs: owed.dueAtMs };
      const line = lineKeyOf({ projectId: event.projectId, endpointId, orderKey });
      const standsBehind = waiting.has(line);
      waiting.add(line);
      return { event, owed, place, dueAtMs: standsBehind ? null : owed.dueAtMs };
    }),
  );
}

async function insertEvents(tx: Transaction, placed: readonly PlacedEvent[]): Promise<void> {
  if (placed.length === 0) return;
  const events = placed.map(({ event }) => event);
  await tx.send(
    `INSERT INTO posthorn.events (position, project_id, id, type, message_key, recipient, occurred_at,
       received_at, dedup_key, body, raw, retain_until)
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
       $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::bigint[])`,
    [
      bigintArray(placed.map(({ place }) => place)),
      textArray(events.map((event) => event.projectId)),
      textArray(events.map((event) => event.id)),
      textArray(events.map((event) => event.type)),
      textArray(events.map((event) => event.messageKey)),
      textArray(events.map((event) => event.recipient)),
      bigintArray(events.map((event) => event.occurredAtMs)),
      bigintArray(events.map((event) => event.receivedAtMs)),
      textArray(events.map((event) => event.dedupKey)),
      textArray(placed.map(({ event, position }) => sealEventBody(event.json, position))),
      textArray(events.map((event) => event.raw)),
      bigintArray(events.map((event) => event.retainUntilMs)),
    ],
  );
}

async function insertDeliveries(tx: Transaction, placed: readonly PlacedDelivery[]): Promise<void> {
  if (placed.length === 0) return;
  await tx.send(
    `INSERT INTO posthorn.deliveries (project_id, event_id, endpoint_id, state, urgency, attempts,
       failures, due_at, node, order_key, position, created_at, retain_until)
     SELECT project_id, event_id, endpoint_id, state, urgency, 0, 0, due_at, node, order_key, position,
       created_at, retain_until
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
       $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[])
       AS k(project_id, event_id, endpoint_id, state, urgency, due_at, node, order_key, position,
         created_at, retain_until)`,
    [
      textArray(placed.map(({ event }) => event.projectId)),
      textArray(placed.map(({ event }) => event.id)),
      textArray(placed.map(({ owed }) => owed.endpointId)),
      textArray(placed.map(({ owed }) => owed.state)),
      bigintArray(placed.map(({ owed }) => owed.urgency)),
      bigintArray(placed.map(({ dueAtMs }) => dueAtMs)),
      textArray(placed.map(({ owed }) => owed.node)),
      textArray(placed.map(({ owed }) => owed.orderKey)),
      bigintArray(placed.map(({ owed, place }) => (owed.orderKey === null ? null : place))),
      bigintArray(placed.map(({ event }) => event.receivedAtMs)),
      bigintArray(placed.map(({ event }) => event.retainUntilMs)),
    ],
  );
}
