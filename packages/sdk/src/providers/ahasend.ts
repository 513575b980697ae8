import { DNS_RECORD_PURPOSES, type EventDomain, type EventType } from '../event.ts';
import type { DecodedEvent, Provider, ProviderRequest } from './provider.ts';
import { buildEvent, type EventDraft } from './shared/build/build-event.ts';
import { classifyPermanent, deferralCause } from './shared/build/classify-bounce.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { buildInbound } from './shared/build/inbound-mail.ts';
import { type Fields, fields, flag, isFields, lookUp, text } from './shared/read/fields.ts';
import { headerOf, invalidPayload, readJson } from './shared/read/request-body.ts';
import { fromDateText, timeOf } from './shared/read/timestamps.ts';
import { literalKey, verifySvix } from './shared/verify/svix.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * AhaSend: webhooks (ahasend.com/docs/api-reference/webhooks, ahasend.com/docs/webhooks.yaml) and
 * routes for inbound mail.
 *
 * Secrets: that of the webhook or route. The headers are those of Standard Webhooks, but the text of
 * the secret itself is the key: nothing is decoded, no prefix is cut off.
 * Dedup key: with the header `webhook-id`.
 * Lost beside `raw`: account, SMTP command, spam score and attachments of inbound mail.
 */

const NAME = 'ahasend';

const TYPES: Readonly<Record<string, EventType>> = {
  'message.reception': 'email.accepted',
  'message.delivered': 'email.delivered',
  'message.transient_error': 'email.deferred',
  'message.deferred': 'email.deferred',
  'message.failed': 'email.failed',
  'message.bounced': 'email.bounced',
  'message.suppressed': 'email.rejected',
  'message.opened': 'email.opened',
  'message.clicked': 'email.clicked',
  'message.routing': 'email.received',
  'route.message': 'email.received',
  'suppression.created': 'suppression.added',
  'domain.dns_error': 'domain.dns_error',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  const body = fields(readJson(request));
  const name = text(body['type']);
  if (name === null || !isFields(body['data'])) {
    throw invalidPayload('This is not what AhaSend sends: expected "type" and "data".');
  }
  const data = fields(body['data']);
  const type = lookUp(TYPES, name) ?? 'email.unknown';
  const id = headerOf(request, 'webhook-id');
  if (type === 'email.received') return decodeInbound(name, id, body);
  return [
    buildEvent(NAME, {
      type,
      providerType: name,
      providerEventId: id,
      timestamp: timeOf(body['timestamp']),
      message: {
        smtpId: data['message_id_header'],
        providerId: data['id'],
        from: data['from'],
        subject: data['subject'],
      },
      recipient: data['recipient'],
      ...blocks(type, data),
      raw: body,
    }),
  ];
}

function blocks(type: EventType, data: Fields): Partial<EventDraft> {
  const attempt = fields(data['delivery_attempt']);
  const delivery = {
    smtpCode: attempt['smtp_code'],
    enhancedCode: attempt['enhanced_status_code'],
    response: attempt['response'],
  };
  const report = {
    ...delivery,
    words: [attempt['classification']],
    description: attempt['description'],
  };
  switch (type) {
    case 'email.delivered':
      return { delivery };
    case 'email.deferred':
      return { delivery: { ...delivery, errorCode: deferralCause(report) } };
    case 'email.bounced':
      // Without an attempt it came later, as a bounce message (AhaSend's own word for it).
      return {
        delivery,
        bounce: classifyPermanent({
          ...report,
          async: !isFields(data['delivery_attempt']) || null,
        }),
      };
    case 'email.rejected':
      return { reject: 'suppressed' };
    case 'email.opened':
    case 'email.clicked':
      return { engagement: engagementOf(data) };
    case 'suppression.added':
      return {
        suppression: {
          reason: /bounce/i.test(text(data['reason']) ?? '') ? 'hard_bounce' : 'manual',
          by: NAME,
          expires_at: timeOf(data['expires_at']),
          note: text(data['reason'])?.slice(0, 1_000) ?? null,
        },
      };
    case 'domain.dns_error':
      return { domain: domainOf(data) };
    default:
      return {};
  }
}

function engagementOf(data: Fields): NonNullable<EventDraft['engagement']> {
  const machine = flag(data['is_bot']);
  return {
    url: data['url'],
    ip: data['ip'],
    userAgent: data['user_agent'],
    machine,
    machineReason: machine ? 'is_bot' : null,
  };
}

function domainOf(data: Fields): EventDomain {
  const name = text(data['domain'])?.slice(0, 255) ?? '';
  return {
    name,
    failing_since: null,
    records: DNS_RECORD_PURPOSES.flatMap((purpose) => {
      const valid = flag(data[`${purpose}_valid`]);
      const status = valid ? ('ok' as const) : ('wrong' as const);
      return valid === null ? [] : [{ purpose, name, type: 'TXT', status }];
    }),
  };
}

function decodeInbound(name: string, id: string | null, body: Fields): DecodedEvent[] {
  const data = fields(body['data']);
  return buildInbound(NAME, {
    providerType: name,
    providerEventId: id,
    timestamp: timeOf(body['timestamp']),
    recipients: [data['to']],
    from: data['from'],
    subject: data['subject'],
    smtpId: data['message_id'],
    providerId: data['id'],
    sentAt: fromDateText(text(data['date'])),
    raw: body,
  });
}

export const ahasend: Provider = {
  name: NAME,
  aliases: [],
  title: 'AhaSend',
  pages: [
    'https://ahasend.com/docs/webhooks.yaml',
    'https://ahasend.com/docs/integrations/webhooks',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: null,
    retryDelaysMs: null,
    stopStatuses: [],
    note: 'Six more tries within about 16 minutes; after 100 failures in a row it is switched off.',
  },
  verify: (request, context) =>
    verifySigned(request, context, (secrets) => verifySvix(request, context, secrets, literalKey)),
  decode,
  dedupParts,
};
