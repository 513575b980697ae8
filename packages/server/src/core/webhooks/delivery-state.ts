/**
 * The states of a delivery as people see them. Every pair of an event and an endpoint that it is owed
 * to has exactly one:
 *
 *   pending    the first attempt has not been made
 *   in_flight  a node holds it: it is being posted, or is next in that node's memory
 *   retrying   it was tried before, and will be tried again
 *   delivered  answered with a 2xx
 *   dead       given up
 *   skipped    the endpoint was disabled when the event came, or its transformation made nothing of it
 *   canceled   the endpoint was deleted, or the event erased, before it could be delivered
 *
 * The first three are one state in the store: `pending`.
 */
export const DELIVERY_STATES = [
  'pending',
  'in_flight',
  'retrying',
  'delivered',
  'dead',
  'skipped',
  'canceled',
] as const;

export type ShownDeliveryState = (typeof DELIVERY_STATES)[number];

/** It is still to be delivered. */
export function isLiveState(state: string): boolean {
  return state === 'pending' || state === 'in_flight' || state === 'retrying';
}

export function shownDeliveryState(row: {
  state: 'pending' | 'delivered' | 'dead' | 'skipped' | 'canceled';
  node: string | null;
  attempts: number;
}): ShownDeliveryState {
  if (row.state !== 'pending') return row.state;
  if (row.node !== null) return 'in_flight';
  return row.attempts === 0 ? 'pending' : 'retrying';
}
