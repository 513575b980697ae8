import type { BounceCategory, EventType } from '../event.ts';
import type {
  DecodedEvent,
  Provider,
  ProviderRequest,
  VerifyContext,
  VerifyResult,
} from './provider.ts';
import { buildEvent, type EventDraft } from './shared/build/build-event.ts';
import { classifyBounce } from './shared/build/classify-bounce.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { buildInbound } from './shared/build/inbound-mail.ts';
import { rejectReasonOf } from './shared/build/reject-reason.ts';
import {
  type Fields,
  fields,
  firstText,
  isFields,
  list,
  lookUp,
  text,
} from './shared/read/fields.ts';
import { readJsonOrLines } from './shared/read/request-body.ts';
import { timeOf } from './shared/read/timestamps.ts';
import { checkHmac, MINUTE_MS, requireHeader, requireSecrets } from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * Mailtrap: webhooks (docs.mailtrap.io/email-api-smtp/advanced/webhooks), as one JSON object or as
 * JSON Lines, and bounce categories (.../email-api-smtp/bounce-categorization).
 *
 * Secrets: the signature key of the webhook. Hex HMAC-SHA256 of the body; no time is signed.
 * Dedup key: with `event_id`, but never by it alone: two events of a batch can share one.
 * Inbound events carry no mail, only where to fetch it.
 * Lost beside `raw`: domain, account.
 */

const NAME = 'mailtrap';

const TYPES: Readonly<Record<string, EventType>> = {
  delivery: 'email.delivered',
  open: 'email.opened',
  click: 'email.clicked',
  bounce: 'email.bounced',
  'soft bounce': 'email.bounced',
  spam: 'email.complained',
  unsubscribe: 'email.unsubscribed',
  reject: 'email.rejected',
  suspension: 'email.rejected',
  'inbound.message_received': 'email.received',
};

const CATEGORIES: Readonly<Record<string, BounceCategory>> = {
  transientfail: 'other',
  generalfail: 'other',
  serverfail: 'other',
  verifyfail: 'policy',
  other: 'other',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  const body = readJsonOrLines(request);
  const entries = isFields(body) && 'events' in body ? list(body['events']) : list(body);
  return decodeEntries(entries, {
    expects: '"events", or an event on each line, each with "event"',
    isEntry: (entry) => text(entry['event']) !== null,
    decode: (entry) => {
      // Its pages write both `soft bounce` and `soft_bounce`.
      const name = text(entry['event'])?.replace('soft_', 'soft ') ?? null;
      const type = lookUp(TYPES, name) ?? 'email.unknown';
      return type === 'email.received' ? decodeInbound(entry) : [decodeEvent(type, entry)];
    },
  });
}

function decodeEvent(type: EventType, entry: Fields): DecodedEvent {
  return buildEvent(NAME, {
    type,
    providerType: entry['event'],
    providerEventId: entry['event_id'],
    timestamp: timeOf(entry['timestamp']),
    message: {
      providerId: entry['message_id'],
      from: entry['from'],
      subject: entry['subject'],
      stream: firstText(entry['sending_stream'], entry['stream']),
    },
    recipient: entry['email'],
    ...blocks(type, entry),
    tags: entry['category'],
    metadata: entry['custom_variables'],
    raw: entry,
  });
}

function blocks(type: EventType, entry: Fields): Partial<EventDraft> {
  const name = text(entry['event']) ?? '';
  const delivery = { smtpCode: entry['response_code'], response: entry['response'] };
  switch (type) {
    case 'email.delivered':
      return { delivery };
    case 'email.bounced': {
      const word = text(entry['bounce_category']);
      return {
        delivery,
        bounce: classifyBounce({
          ...delivery,
          type: name.startsWith('soft') ? 'soft' : 'hard',
          category: lookUp(CATEGORIES, word?.toLowerCase() ?? null) ?? null,
          words: [word],
          description: word,
        }),
      };
    }
    case 'email.rejected':
      return {
        reject: name === 'suspension' ? 'account_suspended' : rejectReasonOf(entry['reason']),
        delivery: { response: entry['reason'] },
      };
    case 'email.opened':
    case 'email.clicked':
      return { engagement: { url: entry['url'], ip: entry['ip'], userAgent: entry['user_agent'] } };
    case 'email.unsubscribed':
      return { unsubscribe: { method: 'link' } };
    case 'email.complained':
      return { complaint: { type: 'abuse' } };
    default:
      return {};
  }
}

function decodeInbound(entry: Fields): DecodedEvent[] {
  return buildInbound(NAME, {
    providerType: entry['event'],
    providerEventId: entry['event_id'],
    timestamp: timeOf(entry['timestamp']),
    recipients: list(entry['to']).map((one) => fields(one)['email'] ?? one),
    from: fields(entry['from'])['email'] ?? entry['from'],
    subject: entry['subject'],
    smtpId: null,
    providerId: entry['message_id'],
    sentAt: null,
    raw: entry,
  });
}

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    checkHmac({
      algorithm: 'sha256',
      encoding: 'hex',
      keys: requireSecrets(secrets, 'the signature key of the webhook'),
      parts: [request.body],
      given: requireHeader(request, 'Mailtrap-Signature'),
    });
    return { covers: 'body', replayKey: null };
  });
}

export const mailtrap: Provider = {
  name: NAME,
  aliases: [],
  title: 'Mailtrap',
  pages: [
    'https://docs.mailtrap.io/email-api-smtp/advanced/webhooks',
    'https://docs.mailtrap.io/email-api-smtp/bounce-categorization',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: 30_000,
    retryDelaysMs: Array.from({ length: 40 }, () => 5 * MINUTE_MS),
    stopStatuses: [],
    note: 'After 40 tries the webhook is paused.',
  },
  verify,
  decode,
  dedupParts,
};
