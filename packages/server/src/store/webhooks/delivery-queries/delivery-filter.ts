import type { EventType } from '@posthorn/sdk';
import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely';
import { isLiveState, type ShownDeliveryState } from '../../../core/webhooks/delivery-state.ts';
import type { DeliveriesTable, Tables } from '../../tables.ts';

/** Which deliveries are meant; null where anything will do. */
export interface DeliveryFilter {
  projectId: string;
  endpointIds: readonly string[] | null;
  eventId: string | null;
  messageKey: string | null;
  /** Bounds of the event's id, which begins with its time: from inclusive, to exclusive. */
  fromEventId: string | null;
  toEventId: string | null;
  states: readonly ShownDeliveryState[] | null;
  types: readonly EventType[] | null;
  errorCode: string | null;
}

export const ANY_DELIVERY: Omit<DeliveryFilter, 'projectId'> = {
  endpointIds: null,
  eventId: null,
  messageKey: null,
  fromEventId: null,
  toEventId: null,
  states: null,
  types: null,
  errorCode: null,
};

export interface DeliveryKey {
  eventId: string;
  endpointId: string;
}

export type Direction = 'asc' | 'desc';
export type Compare = '<' | '>' | '<=' | '>=';
export type DeliveryExpressions = ExpressionBuilder<Tables, 'deliveries'>;

/** Only what is still to be delivered: the indexes of the queue have it. */
export function isLiveOnly({ states }: DeliveryFilter): boolean {
  return states?.every(isLiveState) === true;
}

/** Only the dead letters, which have an index of their own. */
export function isDeadOnly({ states }: DeliveryFilter): boolean {
  return states?.length === 1 && states[0] === 'dead';
}

/** The endpoint, where it is one alone: that is a prefix of an index. */
export function oneEndpointOf({ endpointIds }: DeliveryFilter): string | null {
  return endpointIds?.length === 1 ? (endpointIds[0] ?? null) : null;
}

/** The rows of a project within the bounds that are about the event. */
export function selectOfEvents(db: Kysely<Tables>, filter: DeliveryFilter) {
  const { projectId, eventId, messageKey, fromEventId, toEventId } = filter;
  let select = db.selectFrom('deliveries').where('project_id', '=', projectId);
  if (eventId !== null) select = select.where('event_id', '=', eventId);
  if (messageKey !== null) {
    select = select.where('event_id', 'in', (sub) =>
      sub
        .selectFrom('events')
        .select('id')
        .where('project_id', '=', projectId)
        .where('message_key', '=', messageKey),
    );
  }
  if (fromEventId !== null) select = select.where('event_id', '>=', fromEventId);
  if (toEventId !== null) select = select.where('event_id', '<', toEventId);
  return select;
}

/** What is left of the filter, for rows that were found by their key. */
export function conditionsOn(
  eb: DeliveryExpressions,
  filter: DeliveryFilter,
): Expression<SqlBool>[] {
  const { endpointIds, states, types, errorCode } = filter;
  const conditions: Expression<SqlBool>[] = [];
  if (endpointIds !== null) conditions.push(eb('endpoint_id', 'in', endpointIds));
  if (states !== null) conditions.push(eb.or(states.map((state) => isInState(eb, state))));
  if (errorCode !== null) conditions.push(eb('last_error', '=', errorCode));
  if (types !== null) {
    const event = eb
      .selectFrom('events')
      .select('events.id')
      .whereRef('events.project_id', '=', 'deliveries.project_id')
      .whereRef('events.id', '=', 'deliveries.event_id')
      .where('events.type', 'in', types);
    conditions.push(eb.exists(event));
  }
  return conditions;
}

function isInState(eb: DeliveryExpressions, state: ShownDeliveryState): Expression<SqlBool> {
  if (!isLiveState(state)) return eb('state', '=', state as DeliveriesTable['state']);
  const pending = eb('state', '=', 'pending');
  if (state === 'in_flight') return eb.and([pending, eb('node', 'is not', null)]);
  const tried = eb('attempts', state === 'pending' ? '=' : '>', 0);
  return eb.and([pending, eb('node', 'is', null), tried]);
}

/** Compares with a row's key, in the order of the lists. */
export function comparesTo(key: DeliveryKey, compare: Compare) {
  return (eb: DeliveryExpressions): Expression<SqlBool> =>
    eb(eb.refTuple('event_id', 'endpoint_id'), compare, eb.tuple(key.eventId, key.endpointId));
}

export function keyOf(row: Pick<DeliveriesTable, 'event_id' | 'endpoint_id'>): DeliveryKey {
  return { eventId: row.event_id, endpointId: row.endpoint_id };
}
