import type { CanonicalEvent, EventType } from '../event.ts';
import type { Dialect } from './dialects/dialect.ts';
import type { Provider, ProviderRequest } from './provider.ts';
import { dedupPartsWithoutEventId } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { decodeMapped, type EventMapping, readField } from './shared/build/mapping.ts';
import { signStandard } from './shared/encode/sign.ts';
import {
  isHard,
  JSON_TYPE,
  known,
  messageIdOf,
  notCarried,
  onlyEvent,
  saidOf,
} from './shared/encode/values.ts';
import { list } from './shared/read/fields.ts';
import { readJson } from './shared/read/request-body.ts';
import { verifyUnsigned } from './shared/verify/transport-secrets.ts';

/**
 * Flexmail: transactional webhooks (its page "Transactional webhooks"; the names of the fields beside
 * event, timestamp, messageId and recipient are not on it, so the likely ones are all read).
 *
 * Secrets: no signature is documented. What the URL or the headers carry.
 * Dedup key: message, type, recipient, time and URL; its page advises message and event alone, which
 * loses the second click and the second recipient.
 * `Sent` is the hand-over to the receiving server, `Delivered` its confirmation.
 * Lost beside `raw`: nothing that is documented.
 */

const MAPPING: EventMapping = {
  fields: {
    type: ['event', 'eventType', 'type'],
    timestamp: ['timestamp', 'occurredAt', 'date'],
    recipient: ['recipient', 'email', 'to'],
    message_id: ['messageId', 'message_id'],
    from: ['from', 'sender'],
    subject: ['subject'],
    response: ['smtpResponse', 'response', 'diagnosticCode'],
    smtp_code: ['smtpCode', 'code'],
    enhanced_code: ['enhancedCode', 'status'],
    bounce_type: ['bounceType', 'bounce_type', 'bounce.type', 'type'],
    bounce_category: ['bounceCategory', 'bounce.category'],
    bounce_description: ['bounceReason', 'bounce_reason', 'bounce.reason', 'reason', 'description'],
    reject_reason: ['rejectReason', 'reason', 'description'],
    complaint_type: ['complaintType', 'feedbackType'],
    url: ['url', 'link', 'click.url'],
    ip: ['ip', 'ipAddress'],
    user_agent: ['userAgent', 'user_agent'],
    tags: ['tags', 'tag'],
    metadata: ['metadata'],
  },
};

const NAMES: Readonly<Partial<Record<EventType, string>>> = {
  'email.sent': 'sent',
  'email.delivered': 'delivered',
  'email.bounced': 'bounced',
  'email.rejected': 'rejected',
  // Its page knows one word for everything that was not sent.
  'email.failed': 'rejected',
  'email.opened': 'opened',
  'email.clicked': 'clicked',
  // Not in its list of events, but its page says what to do when one comes.
  'email.complained': 'complained',
};

const BASE = ['time', 'recipient', 'message'];

function write(event: CanonicalEvent): object {
  const name = NAMES[event.type];
  if (name === undefined) throw notCarried(event, 'flexmail');
  return {
    event: name,
    timestamp: event.timestamp,
    messageId: messageIdOf(event),
    recipient: event.data.recipient ?? null,
    ...more(event),
  };
}

function more({ type, data }: CanonicalEvent): object {
  switch (type) {
    case 'email.bounced':
      return known({ bounceType: isHard(data) ? 'hard' : 'soft', bounceReason: saidOf(data) });
    case 'email.rejected':
      return known({ reason: data.reject?.reason });
    case 'email.failed':
      return known({ reason: saidOf(data) });
    case 'email.clicked':
      return known({ url: data.engagement?.url });
    default:
      return {};
  }
}

const dialect: Dialect = {
  carries: {
    'email.sent': { fields: BASE },
    'email.delivered': { fields: BASE },
    'email.bounced': { fields: [...BASE, 'bounce.hard'] },
    'email.rejected': { fields: [...BASE, 'reject.reason'] },
    'email.failed': { as: 'email.rejected', fields: BASE },
    'email.opened': { fields: BASE },
    'email.clicked': { fields: [...BASE, 'engagement.url'] },
    'email.complained': { fields: BASE },
  },
  // Its page knows no signature. Headers of Standard Webhooks harm nobody and let a handler verify.
  signs: ['v1', 'v1a'],
  ladderMs: null,
  timeoutMs: null,
  lists: 'single',
  handshake: null,
  options: [],
  encode: (batch) => ({ body: JSON.stringify(write(onlyEvent(batch))), headers: JSON_TYPE }),
  sign: signStandard,
};

export const flexmail: Provider = {
  name: 'flexmail',
  aliases: [],
  title: 'Flexmail',
  pages: [
    'Flexmail help: Transactional webhooks',
    'https://email-api.flexmail.eu/documentation/webhooks',
  ],
  answer: { refused: 401, busy: 503, timeoutMs: null, retryDelaysMs: null, stopStatuses: [] },
  verify: verifyUnsigned,
  decode: (request: ProviderRequest) =>
    decodeEntries(list(readJson(request)), {
      expects: 'an object with "event", "messageId" and "recipient"',
      isEntry: (entry) => readField(entry, MAPPING, 'type') !== null,
      decode: (entry) => decodeMapped('flexmail', MAPPING, entry),
    }),
  dedupParts: dedupPartsWithoutEventId,
  dialect,
};
