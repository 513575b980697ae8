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
import { buildInbound, mailHeader } from './shared/build/inbound-mail.ts';
import { rejectReasonOf } from './shared/build/reject-reason.ts';
import {
  type Fields,
  fields,
  firstText,
  headerIn,
  isFields,
  list,
  lookUp,
  text,
} from './shared/read/fields.ts';
import { invalidPayload, readJson } from './shared/read/request-body.ts';
import { fromDateText, timeOf } from './shared/read/timestamps.ts';
import { checkHmac, requireHeader, requireSecrets } from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * MailerSend: webhooks (developers.mailersend.com/api/v1/webhooks.html), in their first shape with
 * `data.email` and in that of 2025 with `data.meta`, and inbound routes (.../inbound.html).
 *
 * Secrets: the signing secret of the webhook, or the secret of the inbound route. Hex HMAC-SHA256 of
 * the body in the header `Signature`; no time is signed.
 * Dedup key: with `data.id`.
 * Lost beside `raw`: domain, template, why somebody unsubscribed, surveys.
 */

const NAME = 'mailersend';

const TYPES: Readonly<Record<string, EventType>> = {
  queued: 'email.accepted',
  sent: 'email.sent',
  delivered: 'email.delivered',
  deferred: 'email.deferred',
  soft_bounced: 'email.bounced',
  hard_bounced: 'email.bounced',
  suppressed: 'email.rejected',
  rejected: 'email.rejected',
  opened: 'email.opened',
  opened_unique: 'email.opened',
  clicked: 'email.clicked',
  clicked_unique: 'email.clicked',
  unsubscribed: 'email.unsubscribed',
  spam_complaint: 'email.complained',
  spam_complaints: 'email.complained',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  const body = fields(readJson(request));
  const name = text(body['type']);
  if (name === null) throw invalidPayload('This is not what MailerSend sends: expected "type".');
  if (name === 'inbound.message') return decodeInbound(body);
  return [decodeEvent(name, body)];
}

function decodeEvent(name: string, body: Fields): DecodedEvent {
  const data = fields(body['data']);
  const email = fields(data['email']);
  const recipient = fields(email['recipient'])['email'] ?? data['recipient'];
  const type = name === 'webhook.test' ? 'system.test' : typeOf(name);
  return buildEvent(NAME, {
    type,
    providerType: name,
    providerEventId: data['id'],
    timestamp: timeOf(data['created_at'], body['created_at']),
    message: {
      smtpId: headerIn(email['headers'], 'message-id'),
      providerId: firstText(fields(email['message'])['id'], data['message_id'], email['id']),
      from: firstText(email['from'], fields(data['from'])['email'], data['from']),
      subject: firstText(email['subject'], data['subject']),
      sentAt: timeOf(email['created_at']),
    },
    recipient,
    ...blocks(type, name, data),
    tags: email['tags'] ?? data['tags'],
    raw: body,
  });
}

function typeOf(name: string): EventType {
  return lookUp(TYPES, /^activity\.(.*)$/.exec(name)?.[1] ?? null) ?? 'email.unknown';
}

function blocks(type: EventType, name: string, data: Fields): Partial<EventDraft> {
  const morph = fields(data['morph']);
  const meta = fields(data['meta']);
  const said = firstText(
    morph['reason'],
    meta['bounce_reason'],
    meta['reject_reason'],
    meta['suppression_reason'],
    meta['reason'],
  );
  const delivery = {
    smtpCode: meta['bounce_code'],
    enhancedCode: meta['bounce_code'],
    response: said,
  };
  switch (type) {
    case 'email.deferred':
      return { delivery };
    case 'email.bounced':
      return {
        delivery,
        bounce: classifyBounce({
          ...delivery,
          type: name.endsWith('soft_bounced') ? 'soft' : 'hard',
          description: firstText(morph['readable_reason'], said),
        }),
      };
    case 'email.rejected': {
      const why = rejectReasonOf(said);
      return { reject: why === 'other' ? 'suppressed' : why, delivery: { response: said } };
    }
    case 'email.opened':
    case 'email.clicked':
      return {
        engagement: {
          url: morph['url'] ?? meta['url'],
          ip: morph['ip'] ?? meta['ip'],
          userAgent: morph['user_agent'] ?? meta['user_agent'],
          first: name.endsWith('_unique') ? true : null,
        },
      };
    case 'email.unsubscribed':
      return { unsubscribe: { method: 'link' } };
    case 'email.complained':
      return { complaint: { type: 'abuse' } };
    default:
      return {};
  }
}

function decodeInbound(body: Fields): DecodedEvent[] {
  const data = fields(body['data']);
  const { rcptTo, to } = fields(data['recipients']);
  const envelope = list(rcptTo).map((one) => fields(one)['email']);
  const headers = isFields(data['headers']) ? data['headers'] : null;
  return buildInbound(NAME, {
    providerType: body['type'],
    providerEventId: data['id'],
    timestamp: timeOf(data['created_at'], body['created_at']),
    recipients: envelope.length > 0 ? envelope : [fields(to)['raw']],
    from: fields(data['from'])['email'] ?? fields(data['sender'])['email'],
    subject: data['subject'],
    smtpId: headerIn(headers, 'message-id') ?? mailHeader(data['raw'], 'message-id'),
    providerId: data['id'],
    sentAt: fromDateText(text(data['date'])),
    raw: body,
  });
}

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    checkHmac({
      algorithm: 'sha256',
      encoding: 'hex',
      keys: requireSecrets(secrets, 'the signing secret of the webhook'),
      parts: [request.body],
      given: requireHeader(request, 'Signature'),
    });
    return { covers: 'body', replayKey: null };
  });
}

export const mailersend: Provider = {
  name: NAME,
  aliases: [],
  title: 'MailerSend',
  pages: [
    'https://developers.mailersend.com/api/v1/webhooks.html',
    'https://developers.mailersend.com/api/v1/inbound.html',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: 3_000,
    retryDelaysMs: [10_000, 100_000],
    stopStatuses: [],
    note: 'After 20 failures within a day the webhook is paused.',
  },
  verify,
  decode,
  dedupParts,
};
