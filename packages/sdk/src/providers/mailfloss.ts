import { type CanonicalEvent, EVENT_TYPES, type EventData, type EventType } from '../event.ts';
import type { CarriedType, Dialect } from './dialects/dialect.ts';
import type { Provider, ProviderRequest, VerifyContext, VerifyResult } from './provider.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { decodeMapped, type EventMapping, readField } from './shared/build/mapping.ts';
import { hmacHex, withId } from './shared/encode/sign.ts';
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
import { checkHmac, requireHeader, requireSecrets } from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * The generic shape of mailfloss's guide to email webhooks ("Email webhooks: setup guide"), which shows
 * `event_type` and `recipient` in its payloads and `type` and `email` in its handlers: both are read.
 *
 * Secrets: that of the webhook. Hex HMAC-SHA256 in `x-webhook-signature`. The guide computes it over the
 * body written anew by JSON.stringify; here it is the bytes as they came, which are the same where the
 * sender wrote them so. No time is signed.
 * Dedup key: with `event_id`.
 * Lost beside `raw`: geography and device of an open.
 */

const TIMEOUT_MS = 10_000;

const MAPPING: EventMapping = {
  fields: {
    type: ['event_type', 'type', 'event'],
    event_id: ['event_id', 'id'],
    timestamp: ['timestamp', 'created_at'],
    recipient: ['recipient', 'email', 'to'],
    message_id: 'message_id',
    from: ['from', 'sender'],
    subject: 'subject',
    response: ['smtp_response', 'response'],
    smtp_code: 'smtp_code',
    bounce_type: 'bounce_type',
    bounce_category: 'bounce_category',
    bounce_description: ['bounce_reason', 'reason'],
    reject_reason: 'reason',
    complaint_type: ['complaint_type', 'feedback_type'],
    url: ['url', 'link'],
    ip: ['ip_address', 'ip'],
    user_agent: 'user_agent',
    client_device: ['device_type', 'device'],
    tags: 'tags',
    metadata: 'metadata',
  },
};

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    checkHmac({
      algorithm: 'sha256',
      encoding: 'hex',
      keys: requireSecrets(secrets, 'the secret of the webhook'),
      parts: [request.body],
      given: requireHeader(request, 'X-Webhook-Signature').replace(/^sha256=/i, ''),
    });
    return { covers: 'body', replayKey: null };
  });
}

const BASE = ['event_id', 'time', 'recipient', 'message', 'metadata'];
const READER = ['engagement.ip', 'engagement.user_agent'];

const MORE: Readonly<Partial<Record<EventType, readonly string[]>>> = {
  'email.bounced': ['bounce.hard'],
  'email.rejected': ['reject.reason'],
  'email.opened': READER,
  'email.clicked': [...READER, 'engagement.url'],
};

/** What the guide shows, and by the same pattern everything else that happens to a mail we sent. */
function carriedTypes(): Dialect['carries'] {
  const types = EVENT_TYPES.filter(
    (type) => type.startsWith('email.') && type !== 'email.unknown' && type !== 'email.received',
  );
  return Object.fromEntries(
    types.map((type): [EventType, CarriedType] => [
      type,
      { fields: [...BASE, ...(MORE[type] ?? [])] },
    ]),
  );
}

const CARRIES = carriedTypes();

/**
 * The payloads of the guide have `event_type` and `recipient`, its handlers read `type`, `email` and
 * `reason`: an event has both, so that a handler written from either works.
 */
function write(event: CanonicalEvent): object {
  const { type, data } = event;
  if (CARRIES[type] === undefined) throw notCarried(event, 'mailfloss');
  return {
    event_id: event.id,
    event_type: type,
    type,
    timestamp: event.timestamp,
    message_id: messageIdOf(event),
    recipient: data.recipient ?? null,
    email: data.recipient ?? null,
    ...known(more(type, data)),
    metadata: data.metadata ?? {},
  };
}

function more(type: EventType, data: EventData): object {
  const { engagement } = data;
  const reason = saidOf(data) ?? data.bounce?.category;
  switch (type) {
    case 'email.bounced':
      return { bounce_type: isHard(data) ? 'hard' : 'soft', bounce_reason: reason, reason };
    case 'email.rejected':
      return { reason: data.reject?.reason };
    case 'email.deferred':
    case 'email.failed':
      return { reason };
    case 'email.opened':
    case 'email.clicked':
      return {
        url: engagement?.url,
        user_agent: engagement?.user_agent,
        ip_address: engagement?.ip,
        device_type: engagement?.client?.device,
      };
    default:
      return {};
  }
}

/**
 * The guide verifies over the body parsed and written anew, so it has to come out the same: numbers
 * that JavaScript cannot hold go as those that it makes of them.
 */
function toStableJson(value: object): string {
  return JSON.stringify(JSON.parse(JSON.stringify(value)));
}

const dialect: Dialect = {
  carries: CARRIES,
  signs: ['hmac'],
  ladderMs: null,
  timeoutMs: TIMEOUT_MS,
  lists: 'single',
  handshake: null,
  options: [],
  encode: (batch) => ({ body: toStableJson(write(onlyEvent(batch))), headers: JSON_TYPE }),
  sign: ({ body, headers }, context) =>
    withId({ body, headers: [...headers, 'X-Webhook-Signature', hmacHex(context, body)] }, context),
};

export const mailfloss: Provider = {
  name: 'mailfloss',
  aliases: [],
  title: "mailfloss's guide",
  pages: ['mailfloss: guide to email webhooks'],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: TIMEOUT_MS,
    retryDelaysMs: null,
    stopStatuses: [],
  },
  verify,
  decode: (request) =>
    decodeEntries(list(readJson(request)), {
      expects: 'an object with "event_type" and "recipient"',
      isEntry: (entry) => readField(entry, MAPPING, 'type') !== null,
      decode: (entry) => decodeMapped('mailfloss', MAPPING, entry),
    }),
  dedupParts,
  dialect,
};
