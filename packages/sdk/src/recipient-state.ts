import type { EventType, RecipientState } from './event.ts';

/**
 * The state of one message for one recipient, as a fold over its events that gives the same answer
 * in whatever order they arrive. Each event maps to a standing; the highest standing is the state.
 * A maximum over a total order does not care for order or repetition.
 *
 *   rank 0  still under way: accepted, held, sent, deferred (the latest in time counts)
 *   rank 1  ended without an answer of the receiving side: rejected, failed
 *   rank 2  delivered, because somebody opened, clicked, complained or unsubscribed
 *   rank 3  the receiving side's word: delivered, bounced (the latest in time counts, so a DSN that
 *           comes later beats the delivery, and a delivery beats an earlier bounce)
 *
 * Within a rank and a millisecond the order of STATE_ORDER decides.
 */
export interface Standing {
  rank: number;
  /** When the event happened, ms. */
  atMs: number;
  state: RecipientState;
}

const STATE_ORDER: Record<RecipientState, number> = {
  accepted: 0,
  held: 1,
  sent: 2,
  deferred: 3,
  rejected: 4,
  failed: 5,
  delivered: 6,
  bounced: 7,
};

const STANDINGS: Partial<Record<EventType, { rank: number; state: RecipientState }>> = {
  'email.accepted': { rank: 0, state: 'accepted' },
  'email.held': { rank: 0, state: 'held' },
  'email.released': { rank: 0, state: 'accepted' },
  'email.sent': { rank: 0, state: 'sent' },
  'email.deferred': { rank: 0, state: 'deferred' },
  'email.rejected': { rank: 1, state: 'rejected' },
  'email.failed': { rank: 1, state: 'failed' },
  'email.opened': { rank: 2, state: 'delivered' },
  'email.clicked': { rank: 2, state: 'delivered' },
  'email.complained': { rank: 2, state: 'delivered' },
  'email.unsubscribed': { rank: 2, state: 'delivered' },
  'email.delivered': { rank: 3, state: 'delivered' },
  'email.bounced': { rank: 3, state: 'bounced' },
};

/** `null` for an event that says nothing of the state (overdue, auto-response, unknown ...). */
export function standingOf(type: EventType, atMs: number): Standing | null {
  const found = STANDINGS[type];
  return found === undefined ? null : { rank: found.rank, state: found.state, atMs };
}

export function higherStanding(a: Standing | null, b: Standing | null): Standing | null {
  if (a === null || b === null) return a ?? b;
  const order = a.rank - b.rank || a.atMs - b.atMs || STATE_ORDER[a.state] - STATE_ORDER[b.state];
  return order >= 0 ? a : b;
}
