// A table: every event type, with what people, schemas and samples need to know of it.
import { EVENT_TYPES, type EventData, type EventType } from '@posthorn/sdk';
import { nearestName } from '../nearest-name.ts';

/**
 * What a type is about: the way of a message, what its recipient did, mail that came in, the
 * project's account, or Posthorn's own work.
 */
export const EVENT_CATEGORIES = ['delivery', 'engagement', 'inbound', 'account', 'system'] as const;
export type EventCategory = (typeof EVENT_CATEGORIES)[number];

export interface EventTypeEntry {
  category: EventCategory;
  description: string;
  /** The fields of `data` that such an event may have, beside COMMON_FIELDS. */
  blocks: readonly (keyof EventData)[];
  /** Whether the message ends here for the recipient. Only a bounce may still follow a delivery. */
  terminal: boolean;
}

/** What every event has, whatever its type. */
export const COMMON_FIELDS = [
  'test',
  'erased',
  'provider',
  'source',
  'received_at',
  'provider_type',
  'provider_event_id',
] as const satisfies readonly (keyof EventData)[];

/** A message and one recipient of it, and where this event stands among all of theirs. */
const MESSAGE: readonly (keyof EventData)[] = [
  'message',
  'recipient',
  'recipient_domain',
  'recipient_inferred',
  'tags',
  'metadata',
  'sequence',
  'state',
  'previous_state',
];

const delivery = (
  description: string,
  blocks: readonly (keyof EventData)[] = [],
  terminal = false,
): EventTypeEntry => {
  return { category: 'delivery', description, blocks: [...MESSAGE, ...blocks], terminal };
};

const about = (
  category: EventCategory,
  description: string,
  blocks: readonly (keyof EventData)[] = [],
): EventTypeEntry => ({ category, description, blocks, terminal: false });

export const EVENT_CATALOGUE: Readonly<Record<EventType, EventTypeEntry>> = {
  'email.accepted': delivery('We took responsibility for the message.'),
  'email.sent': delivery('The first delivery attempt reached a receiving server.', ['delivery']),
  'email.delivered': delivery('The receiving server accepted the message.', ['delivery'], true),
  'email.deferred': delivery('A temporary failure; we try again.', ['delivery', 'bounce']),
  'email.bounced': delivery(
    'The receiving side refused the message, or we gave up on a temporary failure.',
    ['delivery', 'bounce'],
    true,
  ),
  'email.rejected': delivery(
    'We refused the message before trying.',
    ['reject', 'suppression', 'hold'],
    true,
  ),
  'email.failed': delivery('No answer ever came, or we failed inside.', ['delivery'], true),
  'email.held': delivery('The message is kept for review.', ['hold']),
  'email.released': delivery('A held message was let go.', ['hold']),
  'email.opened': about('engagement', 'The tracking pixel was loaded.', [
    ...MESSAGE,
    'engagement',
    'coalesced',
  ]),
  'email.clicked': about('engagement', 'A tracked link was followed.', [
    ...MESSAGE,
    'engagement',
    'coalesced',
  ]),
  'email.complained': about('engagement', 'The recipient reported the message as spam.', [
    ...MESSAGE,
    'complaint',
  ]),
  'email.unsubscribed': about('engagement', 'The recipient opted out.', [
    ...MESSAGE,
    'unsubscribe',
    'engagement',
  ]),
  'email.resubscribed': about('engagement', 'The recipient opted in again.', [
    ...MESSAGE,
    'unsubscribe',
    'engagement',
  ]),
  'email.overdue': delivery('No final state within the time that the sender asked for.'),
  'email.autoresponded': about('inbound', 'An automatic reply came back.', MESSAGE),
  'email.received': about('inbound', 'Inbound mail arrived at an address of ours.', [
    ...MESSAGE,
    'inbound',
  ]),
  'email.unknown': delivery('A provider said something that we have no word for.'),
  'inbound.failed': about('inbound', 'Mail that came in could not be passed on.', [
    ...MESSAGE,
    'delivery',
  ]),
  'account.status_changed': about('account', 'A provider changed the state of an account.', [
    'account',
  ]),
  'account.send_limit_approaching': about('account', "90% of a project's sending limit are used.", [
    'send_limit',
  ]),
  'account.send_limit_exceeded': about('account', "A project's sending limit is reached.", [
    'send_limit',
  ]),
  'domain.dns_error': about(
    'account',
    "A domain's SPF, DKIM, MX or return-path record stopped being right.",
    ['domain'],
  ),
  'domain.dns_recovered': about('account', "A domain's DNS records are right again.", ['domain']),
  'suppression.added': about('account', 'An address was put on the suppression list.', [
    'recipient',
    'recipient_domain',
    'suppression',
  ]),
  'suppression.removed': about('account', 'An address was taken off the suppression list.', [
    'recipient',
    'recipient_domain',
    'suppression',
  ]),
  'endpoint.failing': about('system', 'Deliveries to an endpoint keep failing.', ['endpoint']),
  'endpoint.recovered': about('system', 'A failing endpoint answers again.', ['endpoint']),
  'endpoint.disabled': about('system', 'An endpoint was switched off.', ['endpoint']),
  'endpoint.backlog': about('system', 'Much waits for an endpoint, or for long.', [
    'endpoint',
    'backlog',
  ]),
  'delivery.exhausted': about('system', 'An event went to the dead letters.', [
    'exhausted',
    'endpoint',
    'tags',
  ]),
  'source.stalled': about('system', 'A provider that should be talking has gone silent.', [
    'stalled',
  ]),
  'source.recovered': about('system', 'A provider that had gone silent talks again.', ['stalled']),
  'alert.fired': about('system', 'An alert rule found what it looks for.', ['alert']),
  'alert.resolved': about('system', 'An alert is over.', ['alert']),
  'system.test': about('system', 'Someone pressed Test.', ['endpoint']),
};

/** A sentence about a name that is no type; it says which one was probably meant. */
export function explainUnknownType(name: unknown): string {
  const nearest = typeof name === 'string' ? nearestName(name, EVENT_TYPES) : null;
  const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
  return `${JSON.stringify(name)} is not an event type.${hint} GET /v1/event-types lists them.`;
}

export function isEventType(name: string): name is EventType {
  return EVENT_TYPES.some((type) => type === name);
}
