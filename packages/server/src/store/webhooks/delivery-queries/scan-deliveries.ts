import type { Kysely } from 'kysely';
import type { ShownDeliveryState } from '../../../core/webhooks/delivery-state.ts';
import type { DeliveriesTable, Tables } from '../../tables.ts';
import {
  comparesTo,
  conditionsOn,
  type DeliveryFilter,
  type DeliveryKey,
  type Direction,
  isDeadOnly,
  isLiveOnly,
  keyOf,
  oneEndpointOf,
  selectOfEvents,
} from './delivery-filter.ts';
import { createSparseDeliveries } from './sparse-deliveries.ts';

/** How many deliveries one question looks at. Read by their key, 10,000 take some 20 ms. */
export const SCAN_ROWS = 10_000;

/**
 * Deliveries in the order of their keys, filtered by what no index knows, without a question that
 * reads on and on: each looks at a bounded window of keys and says where the next one begins.
 */
export interface DeliveryScan {
  /**
   * Up to `limit` rows of the next window behind `from`. `last`: how far it looked; null when nothing
   * is left.
   */
  rows(
    filter: DeliveryFilter,
    from: DeliveryKey | null,
    options: { direction: Direction; limit: number; windowRows?: number },
  ): Promise<{ rows: DeliveriesTable[]; last: DeliveryKey | null }>;
  /** How many there are of each state in the next window, the newest first. */
  tally(
    filter: DeliveryFilter,
    from: DeliveryKey | null,
  ): Promise<{ counts: StateCount[]; last: DeliveryKey | null; windowRows: number }>;
  /** The newest that are still to be delivered; null when these are no others, or too many. */
  live(
    filter: DeliveryFilter,
    from: DeliveryKey | null,
    limit: number,
  ): Promise<DeliveriesTable[] | null>;
}

export interface StateCount {
  state: ShownDeliveryState;
  count: number;
  oldestEventId: string;
}

export function createDeliveryScan(db: Kysely<Tables>): DeliveryScan {
  const sparse = createSparseDeliveries(db);

  function beyond(filter: DeliveryFilter, from: DeliveryKey | null, direction: Direction) {
    let select = selectOfEvents(db, filter);
    const endpointId = oneEndpointOf(filter);
    if (endpointId !== null) select = select.where('endpoint_id', '=', endpointId);
    if (from === null) return select;
    return select.where(comparesTo(from, direction === 'asc' ? '>' : '<'));
  }

  /** The last key of the next window; null when the keys end before it is full. */
  async function windowEnd(
    filter: DeliveryFilter,
    from: DeliveryKey | null,
    direction: Direction,
    windowRows: number,
  ): Promise<DeliveryKey | null> {
    const row = await beyond(filter, from, direction)
      .select(['event_id as eventId', 'endpoint_id as endpointId'])
      .orderBy('event_id', direction)
      .orderBy('endpoint_id', direction)
      .offset(windowRows - 1)
      .limit(1)
      .executeTakeFirst();
    return row ?? null;
  }

  function within(
    filter: DeliveryFilter,
    from: DeliveryKey | null,
    end: DeliveryKey | null,
    direction: Direction,
  ) {
    const select = beyond(filter, from, direction).where((eb) => eb.and(conditionsOn(eb, filter)));
    return end === null ? select : select.where(comparesTo(end, direction === 'asc' ? '<=' : '>='));
  }

  return {
    async rows(filter, from, { direction, limit, windowRows = SCAN_ROWS }) {
      if (isDeadOnly(filter)) return sparse.dead(filter, from, { direction, limit, windowRows });
      const end = isPlain(filter) ? null : await windowEnd(filter, from, direction, windowRows);
      const rows = await within(filter, from, end, direction)
        .selectAll()
        .orderBy('event_id', direction)
        .orderBy('endpoint_id', direction)
        .limit(limit)
        .execute();
      const full = rows.length === limit ? rows.at(-1) : undefined;
      return { rows, last: full === undefined ? end : keyOf(full) };
    },
    async tally(filter, from) {
      const end = await windowEnd(filter, from, 'desc', SCAN_ROWS);
      const shown = within(filter, from, end, 'desc').select((eb) => [
        'event_id',
        eb
          .case()
          .when('state', '<>', 'pending')
          .then(eb.ref('state'))
          .when('node', 'is not', null)
          .then('in_flight')
          .when('attempts', '=', 0)
          .then('pending')
          .else('retrying')
          .end()
          .as('shown'),
      ]);
      const rows = await db
        .selectFrom(shown.as('shown'))
        .select((eb) => [
          'shown.shown as state',
          eb.fn.countAll<number>().as('count'),
          eb.fn.min('event_id').as('oldestEventId'),
        ])
        .groupBy('shown.shown')
        .execute();
      const counts = rows.map((row) => ({
        state: row.state as ShownDeliveryState,
        count: Number(row.count),
        oldestEventId: String(row.oldestEventId),
      }));
      return { counts, last: end, windowRows: SCAN_ROWS };
    },
    async live(filter, from, limit) {
      if (!isLiveOnly(filter) || filter.messageKey !== null) return null;
      return sparse.live(filter, from, { limit, most: SCAN_ROWS });
    },
  };
}

/** Nothing but what the keys tell. */
function isPlain({ states, types, errorCode, endpointIds }: DeliveryFilter): boolean {
  const byKey = endpointIds === null || endpointIds.length === 1;
  return states === null && types === null && errorCode === null && byKey;
}
