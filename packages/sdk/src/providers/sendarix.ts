import type { CanonicalEvent, EventData } from '../event.ts';
import type { Dialect } from './dialects/dialect.ts';
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
} from './shared/encode/values.ts';
import { list } from './shared/read/fields.ts';
import { headerOf, readJson } from './shared/read/request-body.ts';
import {
  checkAge,
  checkHmac,
  DEFAULT_TOLERANCE_MS,
  HOUR_MS,
  MINUTE_MS,
  requireHeader,
  requireSecrets,
} from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * Sendarix: webhooks (its page "Email webhooks"), as the envelope with `data` and in the simplified
 * form with `event` that the page shows too.
 *
 * Secrets: that of the endpoint. Hex HMAC-SHA256 of the body in `X-Sendarix-Signature`. Its timestamp
 * header is checked as the page asks, but no signature covers it: it stops no forger.
 * Dedup key: with `event_id`.
 * A complaint has two words for its kind, which disagree in the page's example: `complaint_type` counts.
 * Lost beside `raw`: whether the bounce was automatic.
 */

/** Attempts 2 to 6 of its schedule. */
const LADDER_MS = [30_000, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS];
const TIMEOUT_MS = 10_000;

const MAPPING: EventMapping = {
  types: { accepted: 'email.accepted', deferred: 'email.deferred' },
  fields: {
    type: ['event_type', 'event'],
    event_id: 'event_id',
    timestamp: 'timestamp',
    recipient: 'recipient',
    message_id: 'message_id',
    from: ['from', 'data.from'],
    subject: ['subject', 'data.subject'],
    attempt: ['data.attempt', 'attempt'],
    smtp_code: ['data.smtp_code', 'smtp_code'],
    enhanced_code: ['data.enhanced_code', 'enhanced_code'],
    response: [
      'data.smtp_response',
      'data.smtp_message',
      'data.reason',
      'smtp_response',
      'smtp_message',
      'reason',
    ],
    mx: ['data.server', 'server'],
    latency_ms: ['data.delivery_latency_ms', 'delivery_latency_ms'],
    bounce_type: ['data.bounce_type', 'bounce_type'],
    bounce_category: ['data.bounce_category', 'bounce_category'],
    complaint_type: ['data.complaint_type', 'data.feedback_type', 'complaint_type'],
    url: ['data.url', 'url'],
    link_id: ['data.link_id', 'link_id'],
    ip: ['data.ip', 'ip'],
    user_agent: ['data.user_agent', 'user_agent'],
    client_name: ['data.client', 'client'],
    client_os: ['data.os', 'os'],
    client_device: ['data.device', 'device'],
    unsubscribe_method: ['data.method', 'data.unsubscribe_method'],
    tags: ['tags', 'data.tags'],
    metadata: ['metadata', 'data.metadata'],
  },
};

/** Where a bounce does not say its kind, its name does: `bounce` is permanent. */
function withKind(entry: Record<string, unknown>): Record<string, unknown> {
  const isPlain = readField(entry, MAPPING, 'type') === 'bounce';
  const isSaid = readField(entry, MAPPING, 'bounce_type') !== null;
  return isPlain && !isSaid ? { ...entry, bounce_type: 'hard' } : entry;
}

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    checkHmac({
      algorithm: 'sha256',
      encoding: 'hex',
      keys: requireSecrets(secrets, 'the secret of the endpoint'),
      parts: [request.body],
      given: requireHeader(request, 'X-Sendarix-Signature').replace(/^sha256=/i, ''),
    });
    const timestamp = headerOf(request, 'X-Sendarix-Timestamp');
    if (timestamp !== null) checkAge(timestamp, context, DEFAULT_TOLERANCE_MS);
    return { covers: 'body', replayKey: null };
  });
}

const BASE = ['event_id', 'time', 'recipient', 'message'];
const READER = ['engagement.ip', 'engagement.user_agent', 'engagement.client.os'];

function nameOf(event: CanonicalEvent): string {
  switch (event.type) {
    case 'email.accepted':
      return 'accepted';
    case 'email.delivered':
      return 'delivered';
    case 'email.deferred':
      return 'deferred';
    case 'email.bounced':
      return isHard(event.data) ? 'bounce' : 'soft_bounce';
    case 'email.complained':
      return 'complaint';
    case 'email.unsubscribed':
      return 'unsubscribe';
    case 'email.opened':
      return 'open';
    case 'email.clicked':
      return 'click';
    default:
      throw notCarried(event, 'sendarix');
  }
}

function write(event: CanonicalEvent): object {
  return {
    event_id: event.id,
    event_type: nameOf(event),
    timestamp: event.timestamp,
    message_id: messageIdOf(event),
    recipient: event.data.recipient ?? null,
    data: known(dataOf(event)),
  };
}

function dataOf({ type, data }: CanonicalEvent): object {
  const { delivery, bounce, complaint, engagement, unsubscribe } = data;
  switch (type) {
    case 'email.delivered':
      return {
        smtp_response: delivery?.response,
        server: delivery?.mx,
        delivery_latency_ms: delivery?.latency_ms,
      };
    case 'email.deferred':
      return {
        smtp_code: delivery?.smtp_code,
        smtp_message: delivery?.response,
        attempt: delivery?.attempt,
      };
    case 'email.bounced':
      return {
        bounce_type: isHard(data) ? 'hard' : 'soft',
        // Its one example; for the others it shows no words.
        bounce_category:
          bounce?.category === 'invalid_address' ? 'invalid_email' : bounce?.category,
        smtp_code: delivery?.smtp_code,
        smtp_message: delivery?.response,
        was_automatic: true,
      };
    case 'email.complained':
      return {
        complaint_type: complaint?.type ?? 'abuse',
        feedback_type: complaint?.type ?? 'abuse',
        user_agent: complaint?.user_agent,
      };
    case 'email.opened':
      return readerOf(engagement);
    case 'email.clicked':
      return { link_id: engagement?.link_id, url: engagement?.url, ...readerOf(engagement) };
    case 'email.unsubscribed':
      return { method: unsubscribe?.method };
    default:
      return {};
  }
}

function readerOf(engagement: EventData['engagement']): object {
  return {
    ip: engagement?.ip,
    user_agent: engagement?.user_agent,
    os: engagement?.client?.os,
    client: engagement?.client?.name,
  };
}

const REPLY = ['delivery.response', 'delivery.smtp_code'];

const dialect: Dialect = {
  carries: {
    'email.accepted': { fields: BASE },
    'email.delivered': {
      fields: [...BASE, 'delivery.response', 'delivery.mx', 'delivery.latency_ms'],
    },
    'email.deferred': { fields: [...BASE, ...REPLY, 'delivery.attempt'] },
    'email.bounced': { fields: [...BASE, ...REPLY, 'bounce.hard', 'bounce.category'] },
    'email.complained': { fields: [...BASE, 'complaint.type', 'complaint.user_agent'] },
    'email.unsubscribed': { fields: [...BASE, 'unsubscribe.method'] },
    'email.opened': { fields: [...BASE, ...READER, 'engagement.client.name'] },
    'email.clicked': { fields: [...BASE, ...READER, 'engagement.url', 'engagement.link_id'] },
  },
  signs: ['hmac'],
  ladderMs: LADDER_MS,
  timeoutMs: TIMEOUT_MS,
  lists: 'single',
  handshake: null,
  options: [],
  encode: (batch) => ({ body: JSON.stringify(write(onlyEvent(batch))), headers: JSON_TYPE }),
  sign: ({ body, headers }, context) =>
    withId(
      {
        body,
        headers: [
          ...headers,
          ...['X-Sendarix-Signature', hmacHex(context, body)],
          ...['X-Sendarix-Timestamp', String(Math.floor(context.nowMs / 1_000))],
        ],
      },
      context,
    ),
};

export const sendarix: Provider = {
  name: 'sendarix',
  aliases: [],
  title: 'Sendarix',
  pages: ['Sendarix documentation: Email webhooks'],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: TIMEOUT_MS,
    retryDelaysMs: LADDER_MS,
    stopStatuses: [],
  },
  verify,
  decode: (request) =>
    decodeEntries(list(readJson(request)), {
      expects: 'an object with "event_type" (or "event") and "message_id"',
      isEntry: (entry) => readField(entry, MAPPING, 'type') !== null,
      decode: (entry) =>
        decodeMapped('sendarix', MAPPING, withKind(entry)).map((event) => ({
          ...event,
          data: { ...event.data, raw: entry },
        })),
    }),
  dedupParts,
  dialect,
};
