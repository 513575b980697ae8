import type { EventType } from '../event.ts';
import { postmarkDialect } from './dialects/postmark-encode.ts';
import type { DecodedEvent, Provider, ProviderRequest } from './provider.ts';
import { buildEvent, type EventDraft } from './shared/build/build-event.ts';
import { classifyBounce, deferralCause } from './shared/build/classify-bounce.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { buildInbound } from './shared/build/inbound-mail.ts';
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
import { readJson } from './shared/read/request-body.ts';
import { fromDateText, timeOf } from './shared/read/timestamps.ts';
import { verifyUnsigned } from './shared/verify/transport-secrets.ts';

/**
 * Postmark: webhooks (postmarkapp.com/developer/webhooks/webhooks-overview), bounce types
 * (.../developer/api/bounce-api#bounce-types) and inbound mail (.../webhooks/inbound-webhook).
 *
 * Secrets: Postmark does not sign. Basic auth in the URL, or a header of its settings.
 * Dedup key: with `ID`, which only bounces and complaints have.
 * Lost beside `raw`: geography, reading time, where in the mail a link stood, the dump of a bounce.
 */

const NAME = 'postmark';

const BY_RECORD: Readonly<Record<string, EventType>> = {
  Delivery: 'email.delivered',
  SpamComplaint: 'email.complained',
  Open: 'email.opened',
  Click: 'email.clicked',
  SMTPApiError: 'email.failed',
  SMTPAPIError: 'email.failed',
  Inbound: 'email.received',
};

/** By the bounce's `Type`. Postmark counts many things as bounces that are none. */
const BY_BOUNCE: Readonly<Record<string, EventType>> = {
  InboundError: 'inbound.failed',
  HardBounce: 'email.bounced',
  SoftBounce: 'email.bounced',
  VirusNotification: 'email.bounced',
  Transient: 'email.deferred',
  DnsError: 'email.deferred',
  OpenRelayTest: 'email.deferred',
  AutoResponder: 'email.autoresponded',
  AddressChange: 'email.autoresponded',
  ChallengeVerification: 'email.autoresponded',
  SpamNotification: 'email.complained',
  SpamComplaint: 'email.complained',
  BadEmailAddress: 'email.rejected',
  ManuallyDeactivated: 'email.rejected',
  Unconfirmed: 'email.rejected',
  Blocked: 'email.rejected',
  DMARCPolicy: 'email.rejected',
  SMTPApiError: 'email.failed',
  TemplateRenderingFailed: 'email.failed',
  Unsubscribe: 'email.unsubscribed',
  Subscribe: 'email.resubscribed',
};

const BY_SUPPRESSION: Readonly<Record<string, EventType>> = {
  HardBounce: 'email.bounced',
  SpamComplaint: 'email.complained',
  ManualSuppression: 'email.unsubscribed',
};

const REJECT_REASONS: Readonly<Record<string, string>> = {
  BadEmailAddress: 'invalid_address',
  ManuallyDeactivated: 'suppressed',
  Blocked: 'policy',
  DMARCPolicy: 'policy',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  return decodeEntries(list(readJson(request)), {
    expects: 'an object with "RecordType", or inbound mail with "FromFull"',
    isEntry: (body) => recordOf(body) !== null,
    decode: (body) => (recordOf(body) === 'Inbound' ? decodeInbound(body) : [decodeEvent(body)]),
  });
}

/** Older bounces and inbound mail say what they are by their fields alone. */
function recordOf(body: Fields): string | null {
  const record = text(body['RecordType']);
  if (record !== null) return record;
  if (isFields(body['FromFull'])) return 'Inbound';
  return text(body['BouncedAt']) !== null ? 'Bounce' : null;
}

function decodeEvent(body: Fields): DecodedEvent {
  const record = recordOf(body);
  const type = typeOf(record, body);
  return buildEvent(NAME, {
    type,
    providerType: record,
    providerEventId: body['ID'],
    timestamp: timeOf(
      body['DeliveredAt'],
      body['BouncedAt'],
      body['ReceivedAt'],
      body['ChangedAt'],
    ),
    message: {
      smtpId: null,
      providerId: body['MessageID'],
      from: body['From'],
      subject: body['Subject'],
      stream: body['MessageStream'],
    },
    recipient: firstText(body['Recipient'], body['Email']),
    ...blocks(type, record, body),
    tags: body['Tag'],
    metadata: body['Metadata'],
    raw: body,
  });
}

function typeOf(record: string | null, body: Fields): EventType {
  if (record === 'Bounce') return lookUp(BY_BOUNCE, text(body['Type'])) ?? 'email.unknown';
  if (record === 'SubscriptionChange') {
    if (body['SuppressSending'] === false) return 'email.resubscribed';
    return lookUp(BY_SUPPRESSION, text(body['SuppressionReason'])) ?? 'email.unsubscribed';
  }
  return lookUp(BY_RECORD, record) ?? 'email.unknown';
}

function blocks(type: EventType, record: string | null, body: Fields): Partial<EventDraft> {
  const bounceType = text(body['Type']);
  const response = firstText(body['Details'], body['Description']);
  switch (type) {
    case 'email.delivered':
    case 'email.failed':
    case 'inbound.failed':
      return { delivery: { response } };
    case 'email.deferred':
      return {
        delivery: { response, errorCode: deferralCause({ words: [bounceType], response }) },
      };
    case 'email.bounced':
      return record === 'SubscriptionChange'
        ? { bounce: classifyBounce({ type: 'hard', suppressed: true }) }
        : { delivery: { response: body['Details'] }, bounce: bounceOf(bounceType, body) };
    case 'email.rejected':
      return {
        delivery: { response: firstText(body['Description'], body['Details']) },
        reject:
          lookUp(REJECT_REASONS, bounceType) ?? rejectReasonOf(bounceType, body['Description']),
      };
    case 'email.complained':
      return { complaint: { type: 'abuse' } };
    case 'email.opened':
    case 'email.clicked':
      return { engagement: engagementOf(body) };
    case 'email.unsubscribed':
    case 'email.resubscribed':
      return { unsubscribe: { method: text(body['Origin']) === 'Recipient' ? 'link' : 'manual' } };
    default:
      return {};
  }
}

function bounceOf(type: string | null, body: Fields): EventDraft['bounce'] {
  const isSoft = type === 'SoftBounce';
  const description = text(body['Description'])?.slice(0, 2_000) ?? null;
  const bounce = classifyBounce({
    type: isSoft ? 'soft' : 'hard',
    // `HardBounce` and `SoftBounce` say nothing about the cause; `VirusNotification` does.
    words: [type],
    response: body['Details'],
    // The description is the same for each bounce of a type. That of soft bounces names every cause.
    description: isSoft ? null : description,
    suppressed: typeof body['Inactive'] === 'boolean' ? body['Inactive'] : null,
  });
  return { ...bounce, description };
}

function engagementOf(body: Fields): NonNullable<EventDraft['engagement']> {
  const client = firstText(fields(body['Client'])['Name'], fields(body['Client'])['Family']);
  // Postmark names the fetchers that it knows as clients; there is no field of its own for them.
  const bot = /\b(?:bot|crawler|privacy protection)\b/i.test(client ?? '') ? client : null;
  return {
    url: body['OriginalLink'],
    ip: fields(body['Geo'])['IP'],
    userAgent: body['UserAgent'],
    client: {
      name: client,
      os: firstText(fields(body['OS'])['Name'], fields(body['OS'])['Family']),
      device: body['Platform'],
    },
    first: body['FirstOpen'],
    machine: bot === null ? null : true,
    machineReason: bot,
  };
}

function decodeInbound(body: Fields): DecodedEvent[] {
  const recipients = list(body['ToFull']).map((one) => fields(one)['Email']);
  const original = text(body['OriginalRecipient']);
  return buildInbound(NAME, {
    providerType: 'Inbound',
    timestamp: null,
    recipients:
      original === null ? [...recipients, ...(recipients.length ? [] : [body['To']])] : [original],
    from: firstText(fields(body['FromFull'])['Email'], body['From']),
    subject: body['Subject'],
    smtpId: headerIn(body['Headers'], 'message-id'),
    providerId: body['MessageID'],
    stream: body['MessageStream'],
    sentAt: fromDateText(text(body['Date'])),
    tags: body['Tag'],
    raw: body,
  });
}

export const postmark: Provider = {
  name: NAME,
  aliases: ['postmarkapp'],
  title: 'Postmark',
  pages: [
    'https://postmarkapp.com/developer/webhooks/webhooks-overview',
    'https://postmarkapp.com/developer/api/bounce-api#bounce-types',
    'https://postmarkapp.com/developer/webhooks/inbound-webhook',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: null,
    retryDelaysMs: postmarkDialect.ladderMs,
    stopStatuses: [403],
    note: 'Inbound mail is tried ten times within 10.5 hours; 403 stops it. Of the other webhooks only 5xx, 408, 429 and timeouts are tried again.',
  },
  verify: verifyUnsigned,
  decode,
  dedupParts,
  dialect: postmarkDialect,
};
