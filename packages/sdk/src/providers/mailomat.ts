import type { EventType } from '../event.ts';
import type {
  DecodedEvent,
  Provider,
  ProviderRequest,
  VerifyContext,
  VerifyResult,
} from './provider.ts';
import { buildEvent, type EventDraft } from './shared/build/build-event.ts';
import { classifyBounce, deferralCause } from './shared/build/classify-bounce.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { rejectReasonOf } from './shared/build/reject-reason.ts';
import { type Fields, fields, firstText, lookUp, text } from './shared/read/fields.ts';
import { invalidPayload, readJson } from './shared/read/request-body.ts';
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
 * Mailomat (Switzerland): webhooks (api.mailomat.swiss/docs/#tag/webhook).
 *
 * Secrets: that of the webhook. HMAC-SHA256 over `id.event.timestamp` of its headers, written
 * `sha256=...`: the body is not covered, so the id is the replay key. The algorithm is never taken
 * from the header.
 * Dedup key: with the event's `id`.
 * Lost beside `raw`: user, connection and transaction.
 */

const NAME = 'mailomat';

/** How long it tries again is not documented, nor whether it signs afresh. */
const TOLERANCE_MS = 24 * HOUR_MS;

const TYPES: Readonly<Record<string, EventType>> = {
  accepted: 'email.accepted',
  not_accepted: 'email.rejected',
  delivered: 'email.delivered',
  failure_tmp: 'email.deferred',
  failure_temp: 'email.deferred',
  failure_perm: 'email.bounced',
  opened: 'email.opened',
  clicked: 'email.clicked',
  complained: 'email.complained',
  complaint: 'email.complained',
  unsubscribed: 'email.unsubscribed',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  const body = fields(readJson(request));
  const name = text(body['eventType']);
  if (name === null) throw invalidPayload('This is not what Mailomat sends: expected "eventType".');
  const type = lookUp(TYPES, name) ?? 'email.unknown';
  const payload = fields(body['payload']);
  const headers = fields(fields(payload['message'])['headers']);
  return [
    buildEvent(NAME, {
      type,
      providerType: name,
      providerEventId: body['id'],
      // `payload.timestamp` has the fraction, and is the same time.
      timestamp: timeOf(body['occurredAt'], payload['timestamp']),
      message: {
        smtpId: firstText(headers['message-id'], body['messageId']),
        providerId: firstText(body['messageUuid'], payload['message-uuid']),
        from: headers['from'],
        subject: headers['subject'],
      },
      recipient: firstText(body['recipient'], payload['recipient']),
      ...blocks(type, payload),
      tags: payload['tags'],
      metadata: payload['metadata'],
      raw: body,
    }),
  ];
}

function blocks(type: EventType, payload: Fields): Partial<EventDraft> {
  const delivery = deliveryOf(payload);
  switch (type) {
    case 'email.delivered':
      return { delivery };
    case 'email.deferred':
      return { delivery: { ...delivery, errorCode: deferralCause(delivery) } };
    case 'email.bounced':
      return { delivery, bounce: classifyBounce({ ...delivery, type: 'hard' }) };
    case 'email.rejected':
      return {
        reject: rejectReasonOf(payload['reason']),
        delivery: { response: payload['reason'] },
      };
    case 'email.opened':
    case 'email.clicked': {
      const client = fields(payload['client']);
      return {
        engagement: { url: payload['url'], ip: client['ip'], userAgent: client['user-agent'] },
      };
    }
    case 'email.complained':
      return { complaint: { type: 'abuse' } };
    case 'email.unsubscribed':
      return { unsubscribe: { method: 'link' } };
    default:
      return {};
  }
}

function deliveryOf(payload: Fields): NonNullable<EventDraft['delivery']> {
  const status = fields(payload['delivery-status']);
  const remote = fields(status['remote']);
  const seconds = Number(text(status['duration']) ?? Number.NaN);
  return {
    attempt: status['attempt-nr'],
    smtpCode: status['code'],
    enhancedCode: status['enhanced-code'],
    response: status['message'],
    mx: remote['mx'],
    remoteIp: remote['ip'],
    tls: fields(remote['tls'])['started'],
    latencyMs: seconds >= 0 ? seconds * 1_000 : null,
  };
}

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    const id = requireHeader(request, 'X-MOM-Webhook-ID');
    const event = requireHeader(request, 'X-MOM-Webhook-Event');
    const timestamp = requireHeader(request, 'X-MOM-Webhook-Timestamp');
    const signature = requireHeader(request, 'X-MOM-Webhook-Signature');
    checkHmac({
      algorithm: 'sha256',
      encoding: 'hex',
      keys: requireSecrets(secrets, 'the secret of the webhook'),
      parts: [`${id}.${event}.${timestamp}`],
      given: signature.replace(/^sha256=/i, ''),
    });
    checkAge(timestamp, context, TOLERANCE_MS);
    return { covers: 'part', replayKey: id };
  });
}

export const mailomat: Provider = {
  name: NAME,
  aliases: [],
  title: 'Mailomat',
  pages: ['https://api.mailomat.swiss/docs/#tag/webhook'],
  answer: { refused: 401, busy: 503, timeoutMs: null, retryDelaysMs: null, stopStatuses: [] },
  verify,
  decode,
  dedupParts,
};
