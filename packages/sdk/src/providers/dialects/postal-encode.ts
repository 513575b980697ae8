import type { CanonicalEvent, DnsRecordPurpose, EventData, EventDomain } from '../../event.ts';
import { writtenNumber } from '../../lossless-json.ts';
import {
  bareSmtpId,
  epochSeconds,
  epochText,
  isLate,
  messageIdOf,
  notCarried,
  numberFor,
  uuidFor,
} from '../shared/encode/values.ts';
import type { CarriedType, Dialect, DialectSender } from './dialect.ts';

/**
 * Events of ours as those of Postal's family: `postal` as its source writes them (app/services/
 * webhook_delivery_service.rb, lib/postal/message_db), `frontengine` as its page shows them. Ids of
 * messages are numbers there, made of ours; our id is the `token`.
 */

const BASE = ['time', 'recipient', 'message.smtp_id', 'message.from', 'message.subject', 'tag'];
const REPLY = ['delivery.response', 'delivery.tls', 'delivery.latency_ms'];
const READER = ['engagement.ip', 'engagement.user_agent'];
const LIMIT: CarriedType = { fields: ['time', 'send_limit.limit', 'send_limit.used'] };

export const POSTAL_CARRIES: Dialect['carries'] = {
  'email.delivered': { fields: [...BASE, ...REPLY] },
  'email.deferred': { fields: [...BASE, ...REPLY] },
  'email.bounced': { fields: ['recipient', 'message.from', 'message.subject', 'bounce.late'] },
  'email.rejected': { as: 'email.bounced', fields: BASE },
  'email.failed': { as: 'email.bounced', fields: BASE },
  'email.held': { fields: BASE },
  'email.opened': { fields: [...BASE, ...READER] },
  'email.clicked': { fields: [...BASE, ...READER, 'engagement.url'] },
  'account.send_limit_approaching': LIMIT,
  'account.send_limit_exceeded': LIMIT,
  'domain.dns_error': { fields: ['time', 'domain.name', 'domain.problems'] },
};

/** How the two differ. */
interface Form {
  name: string;
  /** Seconds, with their fraction or without. */
  time: (timestamp: string) => unknown;
  dateTime: (timestamp: string) => unknown;
  smtpId: (data: EventData) => string | null;
  status: (postal: string) => string;
  /** More of a message than the few fields that the page's short examples show. */
  isWhole: boolean;
}

const float = (timestamp: string): unknown => writtenNumber(epochText(timestamp));

const POSTAL: Form = {
  name: 'postal',
  time: float,
  dateTime: float,
  smtpId: bareSmtpId,
  status: (word) => word,
  isWhole: true,
};

const FRONTENGINE: Form = {
  name: 'frontengine',
  time: epochSeconds,
  dateTime: (timestamp) => timestamp,
  smtpId: ({ message }) => message?.smtp_id ?? null,
  // Its one example is "sent".
  status: (word) => word.toLowerCase(),
  isWhole: false,
};

export function encodePostal(event: CanonicalEvent, sender: DialectSender): object {
  const { event: name, payload } = write(event, sender, POSTAL);
  return { event: name, timestamp: float(event.timestamp), payload, uuid: uuidFor(event.id) };
}

export function encodeFrontengine(event: CanonicalEvent, sender: DialectSender): object {
  if (event.type === 'email.opened') throw notCarried(event, FRONTENGINE.name);
  return write(event, sender, FRONTENGINE);
}

function write(
  event: CanonicalEvent,
  sender: DialectSender,
  form: Form,
): { event: string; payload: object } {
  const { data } = event;
  switch (event.type) {
    case 'email.delivered':
      return { event: 'MessageSent', payload: deliveryOf(event, 'Sent', form) };
    case 'email.deferred':
      return { event: 'MessageDelayed', payload: deliveryOf(event, 'SoftFail', form) };
    case 'email.held':
      return { event: 'MessageHeld', payload: deliveryOf(event, 'Held', form) };
    case 'email.rejected':
    case 'email.failed':
      return { event: 'MessageDeliveryFailed', payload: deliveryOf(event, 'HardFail', form) };
    case 'email.bounced':
      return isLate(data)
        ? { event: 'MessageBounced', payload: bounceOf(event, form) }
        : { event: 'MessageDeliveryFailed', payload: deliveryOf(event, 'HardFail', form) };
    case 'email.opened':
      return {
        event: 'MessageLoaded',
        payload: { message: messageOf(event, form), ...readerOf(data) },
      };
    case 'email.clicked':
      return { event: 'MessageLinkClicked', payload: clickOf(event, form) };
    case 'account.send_limit_approaching':
      return { event: 'SendLimitApproaching', payload: limitOf(data, sender) };
    case 'account.send_limit_exceeded':
      return { event: 'SendLimitExceeded', payload: limitOf(data, sender) };
    case 'domain.dns_error':
      return { event: 'DomainDNSError', payload: domainOf(event, sender, form) };
    default:
      throw notCarried(event, form.name);
  }
}

function messageOf(event: CanonicalEvent, form: Form): object {
  const { id, timestamp, data } = event;
  const { message, recipient, tags } = data;
  const token = messageIdOf(event) ?? id;
  return {
    id: numberFor(token),
    token,
    direction: 'outgoing',
    message_id: form.smtpId(data),
    to: recipient ?? null,
    from: message?.from ?? null,
    subject: message?.subject ?? null,
    timestamp: form.time(message?.sent_at ?? timestamp),
    // Nobody looked.
    spam_status: 'NotChecked',
    tag: tags?.[0] ?? null,
  };
}

function deliveryOf(event: CanonicalEvent, status: string, form: Form): object {
  const { delivery, bounce, reject, hold } = event.data;
  const details =
    bounce?.description ?? reject?.reason ?? explainHold(hold) ?? delivery?.response ?? '';
  return {
    message: messageOf(event, form),
    status: form.status(status),
    details,
    output: delivery?.response ?? '',
    sent_with_ssl: delivery?.tls ?? false,
    timestamp: form.time(event.timestamp),
    time: delivery?.latency_ms == null ? null : delivery.latency_ms / 1_000,
  };
}

function explainHold(hold: EventData['hold']): string | null {
  if (hold === undefined) return null;
  if (hold.rule != null) return `Held for review by the rule "${hold.rule}"`;
  if (hold.reason === 'key') return 'Held for review, as all messages of this key';
  return hold.reason === 'limit' ? 'Held, since a sending limit is reached' : 'Held for review';
}

function readerOf({ engagement }: EventData): object {
  return { ip_address: engagement?.ip ?? null, user_agent: engagement?.user_agent ?? null };
}

function clickOf(event: CanonicalEvent, form: Form): object {
  const { engagement } = event.data;
  return {
    message: messageOf(event, form),
    url: engagement?.url ?? null,
    // In Postal that of the link, which may be unknown here: then that of the click.
    token: engagement?.link_id ?? event.id,
    ...readerOf(event.data),
  };
}

/** The mail in which the bounce came is not kept: what stands here of it is what is true of any. */
function bounceOf(event: CanonicalEvent, form: Form): object {
  const { message } = event.data;
  const original = messageOf(event, form);
  const bounce = {
    ...original,
    id: numberFor(event.id),
    token: event.id,
    direction: 'incoming',
    message_id: null,
    to: message?.from ?? null,
    from: '',
    subject: 'Undelivered Mail Returned to Sender',
    timestamp: form.time(event.timestamp),
    tag: null,
  };
  return form.isWhole
    ? { original_message: original, bounce }
    : { original_message: shortOf(original), bounce: shortOf(bounce) };
}

const SHORT = new Set(['id', 'token', 'to', 'from', 'subject']);

function shortOf(message: object): object {
  return Object.fromEntries(Object.entries(message).filter(([name]) => SHORT.has(name)));
}

/** A project is what Postal calls a server. */
function serverOf({ projectId }: DialectSender): object {
  return {
    uuid: uuidFor(projectId),
    name: projectId,
    permalink: projectId,
    organization: 'posthorn',
  };
}

function limitOf({ send_limit }: EventData, sender: DialectSender): object {
  return {
    server: serverOf(sender),
    volume: send_limit?.used ?? 0,
    limit: send_limit?.limit ?? 0,
  };
}

const DNS_FIELDS: readonly DnsRecordPurpose[] = ['spf', 'dkim', 'mx', 'return_path'];
const DNS_STATUSES = { ok: 'OK', missing: 'Missing', wrong: 'Invalid', unknown: null } as const;

function domainOf(
  { id, timestamp, data }: CanonicalEvent,
  sender: DialectSender,
  form: Form,
): object {
  const domain: EventDomain = data.domain ?? { name: '', records: [] };
  const records = DNS_FIELDS.flatMap((purpose) => {
    const record = domain.records.find((one) => one.purpose === purpose);
    // One that is not spoken of has nothing against it.
    const status = record === undefined ? 'OK' : DNS_STATUSES[record.status];
    return [
      [`${purpose}_status`, status],
      [`${purpose}_error`, record?.detail ?? null],
    ];
  });
  return {
    domain: domain.name,
    uuid: uuidFor(domain.name || id),
    dns_checked_at: form.dateTime(timestamp),
    ...Object.fromEntries(records),
    server: serverOf(sender),
  };
}
