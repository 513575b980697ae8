import type { Kysely } from 'kysely';
import { eraseFromEvent, type Person } from '../../core/erase-person.ts';
import type { Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import type { DeliveriesTable, EventsTable, Tables } from '../tables.ts';
import { aroundLines } from '../webhooks/delivery-queries/order-lines.ts';
import { type ErasureWalk, readWindow } from './erasure-walk.ts';

type EventRow = Pick<EventsTable, 'id' | 'recipient' | 'body' | 'raw'>;

/**
 * Events of the person lose what tells of him, and are owed to nobody any more. Of others the address
 * is taken out. Their ids and their places in the log stay. What is kept of events in memory is forgotten.
 */
export function createEventErasure(db: Kysely<Tables>, forget: () => void): ErasureWalk {
  const texts = ['recipient', 'body', 'raw'] as const;
  const from = { table: 'events', key: ['id'], texts, columns: ['id', ...texts] } as const;
  return async (input) => {
    const { projectId, person, nowMs } = input;
    const { rows, last } = await readWindow(db, from, input);
    const updates = rows.flatMap((row) => toUpdate(db, projectId, row, person));
    const theirs = rows.filter((row) => person.has(row.recipient)).map((row) => row.id);
    const pending = await pendingOf(db, projectId, theirs);
    if (updates.length > 0) forget();
    return {
      statements: [...updates, ...cancel(db, projectId, pending, nowMs)],
      changed: updates.length,
      last,
      due: pending.filter((row) => row.order_key !== null).map((row) => row.endpoint_id),
    };
  };
}

function toUpdate(
  db: Kysely<Tables>,
  projectId: string,
  row: EventRow,
  person: Person,
): Statement[] {
  const isTheirs = person.has(row.recipient);
  const body = eraseFromEvent(row.body, row.recipient, person);
  const raw = isTheirs ? null : person.replace(row.raw);
  if (body === null && raw === row.raw) return [];
  const update = db
    .updateTable('events')
    .set({ body: body ?? row.body, raw, ...(isTheirs ? { recipient: null } : {}) })
    .where('project_id', '=', projectId)
    .where('id', '=', row.id);
  return [toStatement(update)];
}

/** What waits in the store. What a node holds is on its way out. */
async function pendingOf(
  db: Kysely<Tables>,
  projectId: string,
  eventIds: readonly string[],
): Promise<DeliveriesTable[]> {
  if (eventIds.length === 0) return [];
  return db
    .selectFrom('deliveries')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('event_id', 'in', eventIds)
    .where('state', '=', 'pending')
    .where('node', 'is', null)
    .execute();
}

function cancel(
  db: Kysely<Tables>,
  projectId: string,
  rows: readonly DeliveriesTable[],
  nowMs: number,
): Statement[] {
  if (rows.length === 0) return [];
  const update = db
    .updateTable('deliveries')
    .set({ state: 'canceled', due_at: null, ended_at: nowMs })
    .where('project_id', '=', projectId)
    .where(
      'event_id',
      'in',
      rows.map((row) => row.event_id),
    )
    .where('state', '=', 'pending')
    .where('node', 'is', null);
  const lines = rows.flatMap(({ endpoint_id: endpointId, order_key: orderKey }) =>
    orderKey === null ? [] : [{ projectId, endpointId, orderKey }],
  );
  return aroundLines(db, lines, nowMs, [toStatement(update)]);
}
