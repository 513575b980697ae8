import type { Kysely } from 'kysely';
import type { Urgency } from '../../../core/events/urgency.ts';
import type { Statement } from '../../engine.ts';
import { toStatement } from '../../statement.ts';
import type { DeliveriesTable, Tables } from '../../tables.ts';
import { aroundLines, type OrderLine } from './order-lines.ts';

/** A delivery that is to be made again. */
export type RequeuedDelivery = Pick<
  DeliveriesTable,
  'project_id' | 'event_id' | 'endpoint_id' | 'state' | 'order_key' | 'position'
>;

/** An event that was never owed to this endpoint, and is from now on. */
export interface MissingDelivery {
  projectId: string;
  eventId: string;
  endpointId: string;
  urgency: Urgency;
  orderKey: string | null;
  /** The event's place in the log. */
  position: number;
  retainUntilMs: number;
}

/**
 * Makes deliveries due now, whatever became of them before; their earlier attempts stay on record.
 * What a node holds, or somebody has moved on since it was read, is left as it is. Those that want
 * order stand in line again, each at its place in the log: a replay goes in order too.
 */
export function requeueStatements(
  db: Kysely<Tables>,
  {
    again,
    missing,
    nowMs,
  }: {
    again: readonly RequeuedDelivery[];
    missing: readonly MissingDelivery[];
    nowMs: number;
  },
): Statement[] {
  const groups = new Map<string, [RequeuedDelivery, ...RequeuedDelivery[]]>();
  for (const row of again) {
    const key = `${row.project_id}/${row.endpoint_id}/${row.state}/${row.order_key === null}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  const changes = [
    ...[...groups.values()].map((rows) => requeueGroup(db, rows, nowMs)),
    ...missing.map((one) => toStatement(db.insertInto('deliveries').values(toRow(one, nowMs)), 1)),
  ];
  return aroundLines(db, [...again.flatMap(toLine), ...missing.flatMap(lineOf)], nowMs, changes);
}

/** All of one endpoint and state; either all of them stand in lines, or none. */
function requeueGroup(
  db: Kysely<Tables>,
  rows: readonly [RequeuedDelivery, ...RequeuedDelivery[]],
  nowMs: number,
): Statement {
  const [{ project_id, endpoint_id, state, order_key }] = rows;
  const update = db
    .updateTable('deliveries')
    .set({
      state: 'pending',
      failures: 0,
      due_at: order_key === null ? nowMs : null,
      ended_at: null,
    })
    .where('project_id', '=', project_id)
    .where('endpoint_id', '=', endpoint_id)
    .where(
      'event_id',
      'in',
      rows.map((row) => row.event_id),
    )
    .where('state', '=', state)
    // Made due by hand since, it has left its line.
    .where('order_key', order_key === null ? 'is' : 'is not', null)
    .where('node', 'is', null);
  return toStatement(update);
}

function toRow(one: MissingDelivery, nowMs: number): DeliveriesTable {
  return {
    project_id: one.projectId,
    event_id: one.eventId,
    endpoint_id: one.endpointId,
    state: 'pending',
    urgency: one.urgency,
    attempts: 0,
    failures: 0,
    due_at: one.orderKey === null ? nowMs : null,
    node: null,
    created_at: nowMs,
    ended_at: null,
    order_key: one.orderKey,
    position: one.orderKey === null ? null : one.position,
    attempt_id: null,
    attempt_started_at: null,
    attempt_latency_ms: null,
    last_status: null,
    last_error: null,
    last_error_detail: null,
    last_response_excerpt: null,
    last_trace: null,
    retain_until: one.retainUntilMs,
  };
}

function toLine(row: RequeuedDelivery): OrderLine[] {
  const { project_id: projectId, endpoint_id: endpointId, order_key: orderKey, position } = row;
  if (orderKey === null || position === null) return [];
  return [{ projectId, endpointId, orderKey, fromPosition: position }];
}

function lineOf(one: MissingDelivery): OrderLine[] {
  const { projectId, endpointId, orderKey, position: fromPosition } = one;
  return orderKey === null ? [] : [{ projectId, endpointId, orderKey, fromPosition }];
}
