import type { EventType } from '../event.ts';
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
import {
  type Fields,
  fields,
  firstText,
  flag,
  headerIn,
  list,
  lookUp,
  text,
} from './shared/read/fields.ts';
import { readJson } from './shared/read/request-body.ts';
import { timeOf } from './shared/read/timestamps.ts';
import {
  checkAge,
  checkHmac,
  DEFAULT_TOLERANCE_MS,
  requireHeader,
  requireSecrets,
} from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * Sweego: webhooks and inbound routing (learn.sweego.io/docs/webhooks).
 *
 * Secrets: that of the webhook, base64. HMAC-SHA256 over `webhook-id.webhook-timestamp.body` as in
 * Standard Webhooks, but the header `webhook-signature` is the bare base64.
 * Dedup key: with `event_id`.
 * `message.provider_id` is the transaction id that the send API answered with; `swg_uid` is in `raw`.
 * The headers of the message are its metadata: that is where senders put theirs.
 * Lost beside `raw`: campaign, sending domain, whether an open came through a proxy.
 */

const NAME = 'sweego';

const TYPES: Readonly<Record<string, EventType>> = {
  email_sent: 'email.sent',
  delivered: 'email.delivered',
  softbounce: 'email.bounced',
  hardbounce: 'email.bounced',
  email_opened: 'email.opened',
  email_clicked: 'email.clicked',
  list_unsub: 'email.unsubscribed',
  complaint: 'email.complained',
  email_inbound: 'email.received',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  return decodeEntries(list(readJson(request)), {
    expects: 'an object with "event_type"',
    isEntry: (entry) => text(entry['event_type']) !== null,
    decode: (entry) => {
      const name = text(entry['event_type']);
      // Its own documents write both soft-bounce and hard_bounce.
      const type = lookUp(TYPES, name?.replace(/^(soft|hard)[-_ ]?bounced?$/, '$1bounce') ?? null);
      return type === 'email.received' ? decodeInbound(entry) : [decodeEvent(type, entry)];
    },
  });
}

function decodeEvent(type: EventType = 'email.unknown', entry: Fields): DecodedEvent {
  const headers = fields(entry['headers']);
  return buildEvent(NAME, {
    type,
    providerType: entry['event_type'],
    providerEventId: entry['event_id'],
    timestamp: timeOf(entry['timestamp']),
    message: {
      smtpId: headerIn(headers, 'message-id'),
      providerId: firstText(
        entry['transaction_id'],
        headerIn(headers, 'x-transaction-id'),
        entry['swg_uid'],
      ),
      from: headerIn(headers, 'from'),
      subject: firstText(entry['subject'], headerIn(headers, 'subject')),
      stream: entry['campaign_type'],
    },
    recipient: entry['recipient'],
    ...blocks(type, entry),
    tags: entry['campaign_tags'],
    metadata: headers,
    raw: entry,
  });
}

function blocks(type: EventType, entry: Fields): Partial<EventDraft> {
  const delivery = {
    smtpCode: entry['response_code'],
    enhancedCode: entry['status'],
    response: entry['details'],
  };
  switch (type) {
    case 'email.delivered':
      return { delivery };
    case 'email.bounced': {
      const isSoft = /^soft/.test(text(entry['event_type']) ?? '');
      return { delivery, bounce: classifyBounce({ type: isSoft ? 'soft' : 'hard', ...delivery }) };
    }
    case 'email.opened':
      return { engagement: engagementOf(fields(entry['open'])) };
    case 'email.clicked':
      return { engagement: engagementOf(fields(entry['click'])) };
    case 'email.unsubscribed':
      return { unsubscribe: { method: flag(entry['one_click']) ? 'one-click' : 'list-header' } };
    case 'email.complained':
      return { complaint: { type: 'abuse' } };
    default:
      return {};
  }
}

function engagementOf(part: Fields): NonNullable<EventDraft['engagement']> {
  return { url: part['url'], ip: part['ip_address'], userAgent: part['user_agent'] };
}

function decodeInbound(entry: Fields): DecodedEvent[] {
  return buildInbound(NAME, {
    providerType: entry['event_type'],
    providerEventId: entry['event_id'],
    timestamp: timeOf(entry['timestamp']),
    recipients: list(entry['to']).map((one) => fields(one)['email']),
    from: fields(entry['from_'] ?? entry['from'])['email'],
    subject: entry['subject'],
    smtpId: headerIn(entry['headers'], 'message-id'),
    providerId: entry['swg_uid'],
    sentAt: null,
    raw: entry,
  });
}

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    const id = requireHeader(request, 'webhook-id');
    const timestamp = requireHeader(request, 'webhook-timestamp');
    const given = requireHeader(request, 'webhook-signature');
    const keys = requireSecrets(secrets, 'the secret of the webhook');
    checkHmac({
      algorithm: 'sha256',
      encoding: 'base64',
      keys: keys.map((key) => Buffer.from(key.replace(/^whsec_/, ''), 'base64')),
      parts: [`${id}.${timestamp}.`, request.body],
      given: given.split(/[ ,]+/),
    });
    checkAge(timestamp, context, DEFAULT_TOLERANCE_MS);
    return { covers: 'body', replayKey: null };
  });
}

export const sweego: Provider = {
  name: NAME,
  aliases: [],
  title: 'Sweego',
  pages: [
    'https://learn.sweego.io/docs/webhooks/webhook_intro',
    'https://learn.sweego.io/docs/webhooks/webhook_signature',
  ],
  answer: { refused: 401, busy: 503, timeoutMs: null, retryDelaysMs: null, stopStatuses: [] },
  verify,
  decode,
  dedupParts,
};
