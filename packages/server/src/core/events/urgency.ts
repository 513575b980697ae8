import type { EventType } from '@posthorn/sdk';

/**
 * What goes first when an endpoint has a backlog. 0: somebody must act (a bounce or a complaint that
 * is acted on late costs reputation, an unsubscribe that is, the law). 2: bulk, of which there are
 * many and which can wait. 1: everything else.
 */
export type Urgency = 0 | 1 | 2;

export const URGENCIES: readonly Urgency[] = [0, 1, 2];

const URGENT: ReadonlySet<EventType> = new Set<EventType>([
  'email.bounced',
  'email.complained',
  'email.unsubscribed',
  'email.rejected',
  'email.failed',
]);

const BULK: ReadonlySet<EventType> = new Set<EventType>(['email.opened', 'email.clicked']);

export function urgencyOf(type: EventType): Urgency {
  if (type.startsWith('email.')) return BULK.has(type) ? 2 : URGENT.has(type) ? 0 : 1;
  // What we say of accounts, domains, endpoints and lists is rare and asks for somebody's attention.
  return 0;
}
