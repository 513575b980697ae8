import type { EventType } from '../event.ts';
import type {
  DecodedEvent,
  Provider,
  ProviderRequest,
  VerifyContext,
  VerifyResult,
} from './provider.ts';
import { buildEvent, type EventDraft } from './shared/build/build-event.ts';
import { classifyPermanent } from './shared/build/classify-bounce.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { rejectReasonOf } from './shared/build/reject-reason.ts';
import { type Fields, fields, firstText, flag, list, lookUp, text } from './shared/read/fields.ts';
import { readJson } from './shared/read/request-body.ts';
import { timeOf } from './shared/read/timestamps.ts';
import {
  checkAge,
  checkHmac,
  HOUR_MS,
  requireHeader,
  requireSecrets,
} from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * Customer.io: reporting webhooks (docs.customer.io/api/webhooks, docs.customer.io/journeys/webhooks).
 *
 * Secrets: the webhook signing key. Hex HMAC-SHA256 over `v0:timestamp:body`.
 * Dedup key: with `event_id`.
 * It reports about other channels too; what is not `object_type` email is `email.unknown`, except that
 * a customer's choices about mail are events about mail.
 * Lost beside `raw`: customer, campaign and action are metadata; the body of a sent mail.
 */

const NAME = 'customerio';

/** It tries for seven days, and nothing says that it signs afresh. */
const TOLERANCE_MS = 8 * 24 * HOUR_MS;

const TYPES: Readonly<Record<string, EventType>> = {
  drafted: 'email.accepted',
  attempted: 'email.deferred',
  sent: 'email.sent',
  delivered: 'email.delivered',
  opened: 'email.opened',
  human_opened: 'email.opened',
  clicked: 'email.clicked',
  human_clicked: 'email.clicked',
  bounced: 'email.bounced',
  dropped: 'email.rejected',
  undeliverable: 'email.rejected',
  suppressed: 'email.rejected',
  spammed: 'email.complained',
  failed: 'email.failed',
  unsubscribed: 'email.unsubscribed',
};

const CUSTOMER_TYPES: Readonly<Record<string, EventType>> = {
  unsubscribed: 'email.unsubscribed',
  subscribed: 'email.resubscribed',
};

/** What of `data` says where in Customer.io a message comes from. */
const ORIGIN_KEYS = [
  'customer_id',
  'campaign_id',
  'broadcast_id',
  'newsletter_id',
  'action_id',
  'content_id',
  'transactional_message_id',
  'trigger_id',
  'trigger_event_id',
];

function decode(request: ProviderRequest): DecodedEvent[] {
  return decodeEntries(list(readJson(request)), {
    expects: 'an object with "metric"',
    isEntry: (entry) => nameOf(entry) !== null,
    decode: (entry) => [decodeEvent(entry)],
  });
}

/** `email_bounced` in older webhooks, `object_type` and `metric` since. */
function nameOf(entry: Fields): string | null {
  const metric = text(entry['metric']);
  return metric ?? text(entry['event_type']);
}

function typeOf(entry: Fields): EventType {
  const [, oldObject, oldMetric] = /^([a-z]+)_(.*)$/.exec(text(entry['event_type']) ?? '') ?? [];
  const object = text(entry['object_type']) ?? oldObject;
  const metric = text(entry['metric']) ?? oldMetric ?? null;
  if (object === 'email') return lookUp(TYPES, metric) ?? 'email.unknown';
  return (object === 'customer' ? lookUp(CUSTOMER_TYPES, metric) : undefined) ?? 'email.unknown';
}

function decodeEvent(entry: Fields): DecodedEvent {
  const type = typeOf(entry);
  const data = fields(entry['data']);
  const identifiers = fields(data['identifiers']);
  const origin = ORIGIN_KEYS.flatMap((key) => (key in data ? [[key, data[key]]] : []));
  return buildEvent(NAME, {
    type,
    providerType: nameOf(entry),
    providerEventId: entry['event_id'],
    timestamp: timeOf(entry['timestamp']),
    message: { providerId: data['delivery_id'], from: data['from'], subject: data['subject'] },
    recipient: firstText(data['recipient'], data['email_address'], identifiers['email']),
    ...blocks(type, data),
    tags: data['tags'],
    metadata: Object.fromEntries(origin),
    raw: entry,
  });
}

function blocks(type: EventType, data: Fields): Partial<EventDraft> {
  const response = firstText(data['failure_message'], data['bounce_reason'], data['reason']);
  switch (type) {
    case 'email.deferred':
    case 'email.failed':
      return { delivery: { response } };
    case 'email.bounced': {
      const said = text(data['bounce_type'])?.toLowerCase();
      const type = said === 'hard' || said === 'soft' ? said : null;
      return { delivery: { response }, bounce: classifyPermanent({ type, response }) };
    }
    case 'email.rejected':
      return { reject: rejectReasonOf(response), delivery: { response } };
    case 'email.opened':
    case 'email.clicked':
      return { engagement: engagementOf(data) };
    case 'email.unsubscribed':
    case 'email.resubscribed':
      return { unsubscribe: { method: null } };
    case 'email.complained':
      return { complaint: { type: 'abuse' } };
    default:
      return {};
  }
}

/** `machine` for clicks, `prefetched` for opens; `proxied` alone is a person behind Gmail's proxy. */
function engagementOf(data: Fields): NonNullable<EventDraft['engagement']> {
  const machine = flag(data['machine']) ?? flag(data['prefetched']);
  const reason = flag(data['machine']) ? 'machine' : 'prefetched';
  return {
    url: data['href'],
    linkId: data['link_id'],
    ip: data['ip'],
    userAgent: data['user_agent'],
    machine,
    machineReason: machine ? reason : null,
  };
}

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    const signature = requireHeader(request, 'X-CIO-Signature');
    const timestamp = requireHeader(request, 'X-CIO-Timestamp');
    checkHmac({
      algorithm: 'sha256',
      encoding: 'hex',
      keys: requireSecrets(secrets, 'the webhook signing key'),
      parts: [`v0:${timestamp}:`, request.body],
      given: signature,
    });
    checkAge(timestamp, context, TOLERANCE_MS);
    return { covers: 'body', replayKey: null };
  });
}

export const customerio: Provider = {
  name: NAME,
  aliases: ['customer.io', 'customer-io', 'cio'],
  title: 'Customer.io',
  pages: ['https://docs.customer.io/api/webhooks', 'https://docs.customer.io/journeys/webhooks/'],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: 4_000,
    retryDelaysMs: null,
    stopStatuses: [],
    note: 'Tries at growing intervals for seven days, and holds back what comes after.',
  },
  verify,
  decode,
  dedupParts,
};
