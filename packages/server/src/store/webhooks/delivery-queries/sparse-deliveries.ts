import type { Expression, Kysely, SqlBool } from 'kysely';
import type { DeliveriesTable, Tables } from '../../tables.ts';
import {
  comparesTo,
  conditionsOn,
  type DeliveryExpressions,
  type DeliveryFilter,
  type DeliveryKey,
  type Direction,
  keyOf,
  oneEndpointOf,
  selectOfEvents,
} from './delivery-filter.ts';

/**
 * Deliveries in the states that have an index of their own, since they are few among many. Their keys
 * are read from that index, and then the rows: left to choose, a planner goes through all that an
 * endpoint ever had.
 */
export interface SparseDeliveries {
  /** Of up to `windowRows` dead ones behind `from`; `last`: how far it looked, null at the end. */
  dead(
    filter: DeliveryFilter,
    from: DeliveryKey | null,
    options: { direction: Direction; limit: number; windowRows: number },
  ): Promise<{ rows: DeliveriesTable[]; last: DeliveryKey | null }>;
  /** Those still to be delivered, the newest first; null when more than `most` would be sorted. */
  live(
    filter: DeliveryFilter,
    from: DeliveryKey | null,
    options: { limit: number; most: number },
  ): Promise<DeliveriesTable[] | null>;
}

/** Rows that are fetched by their keys in one question. */
const FETCH_ROWS = 500;

export function createSparseDeliveries(db: Kysely<Tables>): SparseDeliveries {
  /** The first of these keys, in their order, whose rows pass the filter. */
  async function fetch(
    filter: DeliveryFilter,
    keys: readonly DeliveryKey[],
    limit: number,
  ): Promise<DeliveriesTable[]> {
    const found: DeliveriesTable[] = [];
    for (let i = 0; i < keys.length && found.length < limit; i += FETCH_ROWS) {
      const some = keys.slice(i, i + FETCH_ROWS);
      const rows = await db
        .selectFrom('deliveries')
        .selectAll()
        .where('project_id', '=', filter.projectId)
        .where('event_id', 'in', [...new Set(some.map((key) => key.eventId))])
        .where((eb) => eb.and(conditionsOn(eb, filter)))
        .execute();
      const byKey = new Map(rows.map((row) => [textOf(keyOf(row)), row]));
      for (const key of some) {
        const row = byKey.get(textOf(key));
        if (row !== undefined) found.push(row);
      }
    }
    return found.slice(0, limit);
  }

  return {
    async dead(filter, from, { direction, limit, windowRows }) {
      let select = selectOfEvents(db, filter).where('state', '=', 'dead');
      if (from !== null) select = select.where(comparesTo(from, direction === 'asc' ? '>' : '<'));
      const keys = await select
        .select(['event_id as eventId', 'endpoint_id as endpointId'])
        .orderBy('event_id', direction)
        .orderBy('endpoint_id', direction)
        .limit(windowRows)
        .execute();
      const { endpointIds } = filter;
      const meant = keys.filter(({ endpointId }) => endpointIds?.includes(endpointId) ?? true);
      const rows = await fetch(filter, meant, limit);
      const full = rows.length === limit ? rows.at(-1) : undefined;
      if (full !== undefined) return { rows, last: keyOf(full) };
      return { rows, last: keys.length < windowRows ? null : (keys.at(-1) ?? null) };
    },
    async live(filter, from, { limit, most }) {
      const keys: DeliveryKey[] = [];
      for (const branch of branchesOf(filter)) {
        let select = db.selectFrom('deliveries').where('project_id', '=', filter.projectId);
        const endpointId = oneEndpointOf(filter);
        if (endpointId !== null) select = select.where('endpoint_id', '=', endpointId);
        const found = await select
          .select(['event_id as eventId', 'endpoint_id as endpointId'])
          .where(branch)
          .limit(most)
          .execute();
        if (found.length === most) return null;
        keys.push(...found);
      }
      const wanted = keys
        .filter((key) => isMeant(filter, key) && (from === null || textOf(key) < textOf(from)))
        .sort((a, b) => (textOf(a) < textOf(b) ? 1 : -1));
      return fetch(filter, wanted, limit);
    },
  };
}

type Branch = (eb: DeliveryExpressions) => Expression<SqlBool>;

/** Each in the words of its partial index, which the planner recognises it by. */
const DUE: Branch = (eb) =>
  eb.and([eb('state', '=', 'pending'), eb('node', 'is', null), eb('due_at', 'is not', null)]);
const IN_LINE: Branch = (eb) =>
  eb.and([
    eb('state', '=', 'pending'),
    eb('order_key', 'is not', null),
    eb('node', 'is', null),
    eb('due_at', 'is', null),
  ]);
const LEASED: Branch = (eb) => eb('node', 'is not', null);

function branchesOf({ states }: DeliveryFilter): Branch[] {
  const waiting = states?.some((state) => state !== 'in_flight') === true ? [DUE, IN_LINE] : [];
  return states?.includes('in_flight') === true ? [...waiting, LEASED] : waiting;
}

/** What of the filter can be told by the key; the message is looked up with the row. */
function isMeant(filter: DeliveryFilter, { eventId }: DeliveryKey): boolean {
  const { fromEventId, toEventId } = filter;
  return (
    (filter.eventId === null || eventId === filter.eventId) &&
    (fromEventId === null || eventId >= fromEventId) &&
    (toEventId === null || eventId < toEventId)
  );
}

/** Sorts as the keys do: ids have one length, and `/` is in none. */
function textOf({ eventId, endpointId }: DeliveryKey): string {
  return `${eventId}/${endpointId}`;
}
