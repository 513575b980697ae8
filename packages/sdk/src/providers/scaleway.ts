import type { EventType } from '../event.ts';
import type { DecodedEvent, Provider, ProviderRequest } from './provider.ts';
import { buildEvent, type EventDraft } from './shared/build/build-event.ts';
import { classifyBounce, deferralCause } from './shared/build/classify-bounce.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { type Fields, firstText, headerIn, isFields, lookUp, text } from './shared/read/fields.ts';
import { invalidPayload } from './shared/read/request-body.ts';
import { timeOf } from './shared/read/timestamps.ts';
import { readSns, type SnsHosts, snsHandshake, verifySns } from './shared/verify/sns.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * Scaleway Transactional Email (scaleway.com/en/docs/transactional-email/reference-content/
 * webhook-events-payloads), which comes by way of Topics and Events: an envelope as that of SNS.
 *
 * Secrets: the ARN of the topic (`arn:scw:sns:...`), or a parameter in the URL (`query:token:...`); see
 * shared/verify/sns.ts. Where its certificates lie is not on a page of Scaleway's: pin one if you can.
 * Dedup key: with the event's `id`.
 * `email_spam` is Scaleway's or the server's own judgement, not a complaint of the recipient.
 * Lost beside `raw`: domain, project and organisation.
 */

const NAME = 'scaleway';

const HOSTS: SnsHosts = {
  certificate:
    /^https:\/\/messaging\.s3\.fr-par\.scw\.cloud\/fr-par\/sns\/sns_certificate_[A-Za-z0-9_-]{1,128}\.crt$/,
  subscribe: /^https:\/\/sns\.mnq\.fr-par\.scaleway\.com\/?\?[!-~]{1,4000}$/,
};

const TYPES: Readonly<Record<string, EventType>> = {
  email_queued: 'email.accepted',
  email_sent: 'email.sent',
  email_delivered: 'email.delivered',
  email_deferred: 'email.deferred',
  email_dropped: 'email.bounced',
  email_mailbox_not_found: 'email.bounced',
  email_spam: 'email.rejected',
  email_blocklisted: 'email.rejected',
  blocklist_created: 'suppression.added',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  const { envelope, message } = readSns(request);
  if (envelope !== null && text(envelope['Type']) !== 'Notification') return [];
  if (!isFields(message) || text(message['type']) === null) {
    throw invalidPayload('This is not what Scaleway sends: expected "type" in the message.');
  }
  return [decodeEvent(message)];
}

function decodeEvent(event: Fields): DecodedEvent {
  const name = text(event['type']);
  const type = lookUp(TYPES, name) ?? 'email.unknown';
  return buildEvent(NAME, {
    type,
    providerType: name,
    providerEventId: event['id'],
    timestamp: timeOf(event['created_at']),
    message: {
      smtpId: headerIn(event['email_headers'], 'message-id'),
      providerId: event['email_id'],
      from: event['email_from'],
      subject: headerIn(event['email_headers'], 'subject'),
      sentAt: timeOf(event['email_queued_at']),
    },
    recipient: event['email_to'],
    ...blocks(type, name, event),
    raw: event,
  });
}

function blocks(type: EventType, name: string | null, event: Fields): Partial<EventDraft> {
  const response = firstText(event['email_response_message'], event['email_error']);
  const smtpCode = event['email_response_code'];
  const delivery = {
    attempt: event['email_try_count'],
    smtpCode,
    response,
    nextAttemptAt: timeOf(event['email_next_try']),
  };
  switch (type) {
    case 'email.delivered':
      return { delivery };
    case 'email.deferred':
      return { delivery: { ...delivery, errorCode: deferralCause(delivery) } };
    case 'email.bounced':
      return {
        delivery,
        bounce: classifyBounce({
          type: 'hard',
          category: name === 'email_mailbox_not_found' ? 'invalid_address' : null,
          smtpCode,
          response,
        }),
      };
    case 'email.rejected':
      return {
        delivery: { smtpCode, response: firstText(response, event['blocklist_reason']) },
        reject: name === 'email_spam' ? 'spam_content' : 'suppressed',
      };
    case 'suppression.added':
      return {
        suppression: {
          reason: 'hard_bounce',
          by: NAME,
          note:
            firstText(event['blocklist_reason'], event['blocklist_type'])?.slice(0, 1_000) ?? null,
        },
      };
    default:
      return {};
  }
}

export const scaleway: Provider = {
  name: NAME,
  aliases: ['scaleway-tem', 'scw'],
  title: 'Scaleway Transactional Email',
  pages: [
    'https://www.scaleway.com/en/docs/transactional-email/reference-content/webhook-events-payloads/',
  ],
  answer: { refused: 401, busy: 503, timeoutMs: null, retryDelaysMs: null, stopStatuses: [] },
  handshake: (request) => snsHandshake(request, HOSTS),
  verify: (request, context) =>
    verifySigned(request, context, (secrets) => verifySns(request, context, HOSTS, secrets)),
  decode,
  dedupParts,
};
