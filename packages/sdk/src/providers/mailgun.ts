import { WebhookError } from '../errors.ts';
import type { EventType } from '../event.ts';
import { mailgunDialect } from './dialects/mailgun-encode.ts';
import { decodeMailgunForm } from './mailgun-form.ts';
import type {
  DecodedEvent,
  Provider,
  ProviderRequest,
  VerifyContext,
  VerifyResult,
} from './provider.ts';
import { buildEvent, type EventDraft, parse } from './shared/build/build-event.ts';
import { classifyPermanent, deferralCause } from './shared/build/classify-bounce.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { rejectReasonOf } from './shared/build/reject-reason.ts';
import { type Fields, fields, firstText, isFields, lookUp, text } from './shared/read/fields.ts';
import { invalidPayload, readForm, readJson } from './shared/read/request-body.ts';
import { fromEpoch, timeOf, toMs } from './shared/read/timestamps.ts';
import {
  badSignature,
  checkAge,
  HOUR_MS,
  matchesHmac,
  requireSecrets,
} from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * Mailgun: webhooks (documentation.mailgun.com/docs/mailgun/user-manual/webhooks), the older form
 * posts, and routes for inbound mail (.../user-manual/receive-forward-store).
 *
 * Secrets: the HTTP webhook signing key of the account. The signature is in the body and covers only
 * timestamp and token, not the event: the token is the replay key, to be remembered.
 * Dedup key: with the event's id, which stays over its retries.
 * Lost beside `raw`: geolocation, message size, storage URL, campaigns, IP of the sending server.
 */

const NAME = 'mailgun';

/** It tries for eight hours, and nothing says that it signs afresh. */
const TOLERANCE_MS = 9 * HOUR_MS;

const TYPES: Readonly<Record<string, EventType>> = {
  accepted: 'email.accepted',
  rejected: 'email.rejected',
  delivered: 'email.delivered',
  opened: 'email.opened',
  clicked: 'email.clicked',
  complained: 'email.complained',
  unsubscribed: 'email.unsubscribed',
  stored: 'email.received',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  const form = readForm(request);
  if (form !== null) return decodeMailgunForm(NAME, form);
  const body = fields(readJson(request));
  const data = eventIn(body);
  if (data === null || text(data['event']) === null) {
    throw invalidPayload('This is not what Mailgun sends: expected "event-data" with "event".');
  }
  return [decodeEvent(data, body)];
}

/** Its page of payloads, and its log of events, show the event alone. Such a body is not signed. */
function eventIn(body: Fields): Fields | null {
  const data = body['event-data'];
  if (isFields(data)) return data;
  return data === undefined && 'log-level' in body && 'id' in body ? body : null;
}

function decodeEvent(data: Fields, body: Fields): DecodedEvent {
  const name = text(data['event']);
  const type = typeOf(name, data);
  const headers = fields(fields(data['message'])['headers']);
  return buildEvent(NAME, {
    type,
    providerType: name,
    providerEventId: data['id'],
    timestamp: timeOf(data['timestamp']),
    message: {
      smtpId: headers['message-id'],
      providerId: headers['message-id'],
      from: headers['from'] ?? fields(data['envelope'])['sender'],
      subject: headers['subject'],
    },
    recipient: firstText(data['recipient'], headers['to']),
    ...blocks(type, data),
    tags: data['tags'],
    metadata: data['user-variables'],
    raw: body,
  });
}

function typeOf(name: string | null, data: Fields): EventType {
  if (name !== 'failed') return lookUp(TYPES, name) ?? 'email.unknown';
  if (text(data['severity']) === 'temporary') return 'email.deferred';
  return isSuppressed(data) ? 'email.rejected' : 'email.bounced';
}

/** Mailgun did not even try: the address is on one of its lists. */
function isSuppressed(data: Fields): boolean {
  return text(data['reason'])?.startsWith('suppress-') ?? false;
}

function blocks(type: EventType, data: Fields): Partial<EventDraft> {
  const status = fields(data['delivery-status']);
  switch (type) {
    case 'email.delivered':
      return { delivery: deliveryOf(status, data) };
    case 'email.deferred': {
      const delivery = deliveryOf(status, data);
      const errorCode = deferralCause({ ...delivery, words: [data['reason']] });
      return { delivery: { ...delivery, errorCode } };
    }
    case 'email.bounced':
      return { delivery: deliveryOf(status, data), bounce: bounceOf(status, data) };
    case 'email.rejected': {
      const { reason, description } = fields(data['reject']);
      const said = firstText(description, status['description'], status['message'], reason);
      const why = rejectReasonOf(data['reason'], reason, said);
      return { reject: why, ...(said === null ? {} : { delivery: { response: said } }) };
    }
    case 'email.opened':
    case 'email.clicked':
      return { engagement: engagementOf(data) };
    case 'email.unsubscribed':
      return { unsubscribe: { method: 'link' }, engagement: engagementOf(data) };
    case 'email.complained':
      return { complaint: { type: 'abuse' } };
    default:
      return {};
  }
}

function deliveryOf(status: Fields, data: Fields): NonNullable<EventDraft['delivery']> {
  const seconds = Number(text(status['session-seconds']) ?? Number.NaN);
  return {
    attempt: status['attempt-no'],
    smtpCode: status['code'],
    enhancedCode: status['enhanced-code'],
    response: firstText(status['message'], status['description']),
    mx: status['mx-host'],
    tls: status['tls'],
    latencyMs: seconds > 0 ? seconds * 1_000 : null,
    nextAttemptAt: nextAttempt(status, data),
  };
}

function nextAttempt(status: Fields, data: Fields): string | null {
  const happened = timeOf(data['timestamp']);
  const waitSeconds = Number(text(status['retry-seconds']) ?? Number.NaN);
  if (happened === null || !(waitSeconds > 0)) return null;
  return fromEpoch(Math.floor(toMs(happened) / 1_000 + waitSeconds));
}

function bounceOf(status: Fields, data: Fields): EventDraft['bounce'] {
  const reason = text(data['reason']);
  const said = text(status['bounce-type'])?.toLowerCase();
  // `bounce` puts the address on Mailgun's list of bounces; `old` is a temporary failure given up.
  const byReason =
    reason === 'bounce' ? 'hard' : reason === 'old' || reason === 'espblock' ? 'soft' : null;
  return classifyPermanent({
    type: said === 'hard' || said === 'soft' ? said : byReason,
    words: [reason],
    smtpCode: status['code'],
    enhancedCode: status['enhanced-code'],
    response: status['message'],
    description: status['description'],
    ...(reason === 'bounce' ? { suppressed: true } : {}),
  });
}

function engagementOf(data: Fields): NonNullable<EventDraft['engagement']> {
  const client = fields(data['client-info']);
  const bot = text(client['bot']);
  return {
    url: data['url'],
    ip: data['ip'],
    userAgent: client['user-agent'],
    client: { name: client['client-name'], os: client['client-os'], device: client['device-type'] },
    machine: bot === null ? null : true,
    machineReason: bot,
  };
}

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    const signed = signaturesOf(request);
    const keys = requireSecrets(secrets, "Mailgun's HTTP webhook signing key");
    const passed = signed.find(({ timestamp, token, signature }) =>
      matchesHmac({
        algorithm: 'sha256',
        encoding: 'hex',
        keys,
        parts: [timestamp, token],
        given: signature,
      }),
    );
    if (passed === undefined) throw badSignature();
    checkAge(passed.timestamp, context, TOLERANCE_MS);
    return { covers: 'part', replayKey: passed.token };
  });
}

interface SignedPart {
  timestamp: string;
  token: string;
  signature: string;
}

/** A subaccount signs with its own key, and its parent's signature may stand beside. Throws `missing_signature`. */
function signaturesOf(request: ProviderRequest): SignedPart[] {
  const body: Fields = readForm(request)?.fields ?? fields(readJson(request));
  const places = [body['signature'], body['parent-signature'], body];
  const found = places.flatMap((place) => {
    const part = typeof place === 'string' ? fields(parse(place)) : fields(place);
    const timestamp = text(part['timestamp']);
    const token = text(part['token']);
    const signature = text(part['signature']);
    return timestamp && token && signature ? [{ timestamp, token, signature }] : [];
  });
  if (found.length > 0) return found;
  throw new WebhookError(
    'missing_signature',
    'The body has no "signature" with timestamp, token and signature.',
  );
}

export const mailgun: Provider = {
  name: NAME,
  aliases: [],
  title: 'Mailgun',
  pages: ['https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhooks'],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: null,
    retryDelaysMs: mailgunDialect.ladderMs,
    stopStatuses: [406],
    note: '406 stops the retries. "delivered" is not tried again.',
  },
  verify,
  decode,
  dedupParts,
  dialect: mailgunDialect,
};
