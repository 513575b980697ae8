import type { EventDnsRecord, EventDomain, EventSendLimit, EventType } from '../event.ts';
import type { DecodedEvent, ProviderRequest } from './provider.ts';
import { buildEvent, type EventDraft } from './shared/build/build-event.ts';
import { classifyBounce, deferralCause } from './shared/build/classify-bounce.ts';
import { buildInbound, mailHeader } from './shared/build/inbound-mail.ts';
import { type Fields, fields, firstText, integer, lookUp, text } from './shared/read/fields.ts';
import { invalidPayload, readJson } from './shared/read/request-body.ts';
import { fromDateText, timeOf } from './shared/read/timestamps.ts';

/** The events of Postal's family (docs.postalserver.io/developer/webhooks), whoever signs them how. */

const TYPES: Readonly<Record<string, EventType>> = {
  MessageSent: 'email.delivered',
  MessageDelayed: 'email.deferred',
  MessageDeliveryFailed: 'email.bounced',
  MessageHeld: 'email.held',
  MessageBounced: 'email.bounced',
  MessageLinkClicked: 'email.clicked',
  MessageLoaded: 'email.opened',
  DomainDNSError: 'domain.dns_error',
  SendLimitApproaching: 'account.send_limit_approaching',
  SendLimitExceeded: 'account.send_limit_exceeded',
};

/** Throws `invalid_payload`. What is about inbound mail is left out: it is no mail of ours. */
export function decodePostal(provider: string, request: ProviderRequest): DecodedEvent[] {
  const body = fields(readJson(request));
  const name = text(body['event']);
  if (name === null && text(body['rcpt_to']) !== null) return decodeInbound(provider, body);
  if (name === null)
    throw invalidPayload(`This is not what ${provider} sends: expected "event" and "payload".`);
  const payload = fields(body['payload']);
  const message = fields(payload['original_message'] ?? payload['message']);
  if (text(message['direction']) === 'incoming') return [];
  const type = lookUp(TYPES, name) ?? (/test/i.test(name) ? 'system.test' : 'email.unknown');
  return [
    buildEvent(provider, {
      type,
      providerType: name,
      providerEventId: body['uuid'],
      timestamp: timeOf(
        body['timestamp'],
        payload['timestamp'],
        payload['dns_checked_at'],
        fields(payload['bounce'])['timestamp'],
      ),
      message: {
        smtpId: message['message_id'],
        providerId: firstText(message['id'], message['token']),
        from: message['from'],
        subject: message['subject'],
        sentAt: timeOf(message['timestamp']),
      },
      recipient: message['to'],
      ...blocks(type, name, payload),
      tags: message['tag'],
      raw: body,
    }),
  ];
}

function blocks(type: EventType, name: string, payload: Fields): Partial<EventDraft> {
  const seconds = Number(text(payload['time']) ?? Number.NaN);
  // `output` is what the server said, `details` is Postal's sentence about it.
  const response = firstText(payload['output'], payload['details']);
  const delivery = {
    response,
    tls: payload['sent_with_ssl'],
    latencyMs: seconds >= 0 ? seconds * 1_000 : null,
  };
  switch (type) {
    case 'email.delivered':
      return { delivery };
    case 'email.deferred':
      return {
        delivery: {
          ...delivery,
          errorCode: deferralCause({ response, description: payload['details'] }),
        },
      };
    case 'email.held':
      return { delivery: { response } };
    case 'email.bounced': {
      const isDsn = name === 'MessageBounced';
      const bounce = classifyBounce({
        type: 'hard',
        response,
        description: payload['details'],
        async: isDsn,
      });
      return isDsn ? { bounce: { ...bounce, from_dsn: true } } : { delivery, bounce };
    }
    case 'email.opened':
    case 'email.clicked':
      return {
        engagement: {
          url: payload['url'],
          linkId: payload['token'],
          ip: payload['ip_address'],
          userAgent: payload['user_agent'],
        },
      };
    case 'domain.dns_error':
      return { domain: domainOf(payload) };
    case 'account.send_limit_approaching':
    case 'account.send_limit_exceeded':
      return { sendLimit: limitOf(payload) };
    default:
      return {};
  }
}

const RECORDS = [
  ['spf', 'TXT'],
  ['dkim', 'TXT'],
  ['mx', 'MX'],
  ['return_path', 'CNAME'],
] as const;

const STATUSES: Readonly<Record<string, EventDnsRecord['status']>> = {
  ok: 'ok',
  missing: 'missing',
  invalid: 'wrong',
};

function domainOf(payload: Fields): EventDomain {
  const name = text(payload['domain'])?.slice(0, 255) ?? '';
  return {
    name,
    failing_since: null,
    records: RECORDS.map(([purpose, type]) => ({
      purpose,
      name,
      type,
      status:
        lookUp(STATUSES, text(payload[`${purpose}_status`])?.toLowerCase() ?? null) ?? 'unknown',
      detail: text(payload[`${purpose}_error`])?.slice(0, 1_000) ?? null,
    })),
  };
}

/** Postal counts over the last hour. */
function limitOf(payload: Fields): EventSendLimit {
  const limit = integer(payload['limit']) ?? 0;
  const used = integer(payload['volume']) ?? 0;
  const percent = limit > 0 ? { used_percent: Math.round((used / limit) * 100) } : {};
  return { period: 'hour', limit, used, ...percent };
}

/** What an HTTP endpoint of Postal gets: a mail as an object, or its bytes. */
function decodeInbound(provider: string, body: Fields): DecodedEvent[] {
  const mail = Buffer.from(text(body['message']) ?? '', 'base64').toString('utf8');
  return buildInbound(provider, {
    providerType: 'inbound',
    providerEventId: body['id'],
    timestamp: timeOf(body['timestamp']),
    recipients: [body['rcpt_to']],
    from: firstText(body['from'], mailHeader(mail, 'from'), body['mail_from']),
    subject: firstText(body['subject'], mailHeader(mail, 'subject')),
    smtpId: firstText(body['message_id'], mailHeader(mail, 'message-id')),
    providerId: body['id'],
    sentAt: fromDateText(firstText(body['date'], mailHeader(mail, 'date'))),
    raw: body,
  });
}
