// A table: what senders without a page of their own call the canonical types.
import { EVENT_TYPES, type EventType } from '../../../event.ts';
import { lookUp } from '../read/fields.ts';
import { wordKey } from './bounce-words.ts';

const NAMES: Readonly<Record<string, EventType>> = {
  accepted: 'email.accepted',
  processed: 'email.accepted',
  queued: 'email.accepted',
  request: 'email.accepted',
  scheduled: 'email.accepted',
  sent: 'email.sent',
  send: 'email.sent',
  delivered: 'email.delivered',
  delivery: 'email.delivered',
  deferred: 'email.deferred',
  deferral: 'email.deferred',
  delayed: 'email.deferred',
  deliverydelayed: 'email.deferred',
  bounced: 'email.bounced',
  bounce: 'email.bounced',
  hardbounce: 'email.bounced',
  hardbounced: 'email.bounced',
  softbounce: 'email.bounced',
  softbounced: 'email.bounced',
  rejected: 'email.rejected',
  reject: 'email.rejected',
  dropped: 'email.rejected',
  suppressed: 'email.rejected',
  failed: 'email.failed',
  failure: 'email.failed',
  error: 'email.failed',
  held: 'email.held',
  released: 'email.released',
  opened: 'email.opened',
  open: 'email.opened',
  clicked: 'email.clicked',
  click: 'email.clicked',
  complained: 'email.complained',
  complaint: 'email.complained',
  spamcomplaint: 'email.complained',
  spamreport: 'email.complained',
  spam: 'email.complained',
  unsubscribed: 'email.unsubscribed',
  unsubscribe: 'email.unsubscribed',
  resubscribed: 'email.resubscribed',
  subscribed: 'email.resubscribed',
  autoresponded: 'email.autoresponded',
  autoreply: 'email.autoresponded',
  received: 'email.received',
  inbound: 'email.received',
  test: 'system.test',
};

/** `email.bounced`, `com.example.email.bounced`, `message.bounced`, `Hard Bounce`; `undefined` for others. */
export function typeOfName(name: string | null): EventType | undefined {
  if (name === null) return undefined;
  const own = EVENT_TYPES.find((type) => name === type || name.endsWith(`.${type}`));
  return own ?? lookUp(NAMES, wordKey(name.replace(/^.*\./, ''))) ?? lookUp(NAMES, wordKey(name));
}
