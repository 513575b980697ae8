import type { BounceType, EventType } from '../event.ts';
import { importVerifier } from '../standard-webhooks/standard-webhooks-keys.ts';
import { resendDialect } from './dialects/resend-encode.ts';
import type { DecodedEvent, Provider, ProviderRequest } from './provider.ts';
import { buildEvent, type EventDraft, parse } from './shared/build/build-event.ts';
import { classifyBounce, classifyPermanent } from './shared/build/classify-bounce.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { buildInbound } from './shared/build/inbound-mail.ts';
import { rejectReasonOf } from './shared/build/reject-reason.ts';
import { addressOf } from './shared/read/addresses.ts';
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
import { headerOf, invalidPayload, readJson } from './shared/read/request-body.ts';
import { timeOf } from './shared/read/timestamps.ts';
import { verifySvix } from './shared/verify/svix.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * Resend: webhooks (resend.com/docs/webhooks/event-types), sent by Svix
 * (resend.com/docs/webhooks/verify-webhooks-requests).
 *
 * Secrets: the signing secret of the webhook, `whsec_...`.
 * Dedup key: with the header `svix-id`, which stays over retries.
 * A message to several people is one to Resend, and its events do not say whose they are: those about
 * the delivery are given for each of them, those about an open or click for the first, all marked as
 * inferred; a bounce is that of the one whom its text names.
 * Tags have a name and a value: they become metadata, and tags as `name:value`.
 * Lost beside `raw`: the broadcast, template and headers of the message.
 */

const NAME = 'resend';

const TYPES: Readonly<Record<string, EventType>> = {
  'email.scheduled': 'email.accepted',
  'email.sent': 'email.sent',
  'email.delivered': 'email.delivered',
  'email.delivery_delayed': 'email.deferred',
  'email.bounced': 'email.bounced',
  'email.complained': 'email.complained',
  'email.opened': 'email.opened',
  'email.clicked': 'email.clicked',
  'email.failed': 'email.failed',
  'email.suppressed': 'email.rejected',
  'email.received': 'email.received',
  'email.unsubscribed': 'email.unsubscribed',
};

const BOUNCE_TYPES: Readonly<Record<string, BounceType>> = {
  permanent: 'hard',
  hard: 'hard',
  transient: 'soft',
  temporary: 'soft',
  soft: 'soft',
  undetermined: 'undetermined',
};

/** What somebody did with a mail happened once, so it is one event. */
const DONE_BY_ONE: ReadonlySet<EventType> = new Set([
  'email.opened',
  'email.clicked',
  'email.complained',
  'email.unsubscribed',
]);

function decode(request: ProviderRequest): DecodedEvent[] {
  const body = fields(readJson(request));
  const name = text(body['type']);
  if (name === null || !isFields(body['data'])) {
    throw invalidPayload('This is not what Resend sends: expected "type" and "data".');
  }
  const id = headerOf(request, 'svix-id') ?? headerOf(request, 'webhook-id');
  const type = lookUp(TYPES, name) ?? 'email.unknown';
  if (type === 'email.received') return decodeInbound(name, id, body);
  const data = fields(body['data']);
  const recipients = recipientsOf(type, data);
  return recipients.list.map((recipient) =>
    buildEvent(NAME, {
      type,
      providerType: name,
      providerEventId: id,
      timestamp: timeOf(body['created_at'], fields(data['click'])['timestamp']),
      message: {
        smtpId: data['message_id'] ?? headerIn(data['headers'], 'message-id'),
        providerId: data['email_id'],
        from: data['from'],
        subject: data['subject'],
        sentAt: timeOf(data['created_at']),
      },
      recipient,
      inferred: recipients.isInferred,
      ...blocks(type, data),
      ...labelsOf(data),
      raw: body,
    }),
  );
}

function recipientsOf(
  type: EventType,
  data: Fields,
): { list: readonly unknown[]; isInferred: boolean } {
  const all = list(data['to']).filter((one) => text(one) !== null);
  if (all.length < 2) return { list: all.length === 0 ? [null] : all, isInferred: false };
  const said = JSON.stringify(data['bounce'] ?? data['failed'] ?? '').toLowerCase();
  const named = all.filter((one) => said.includes(addressOf(one)?.toLowerCase() ?? '\u0000'));
  if (named.length === 1) return { list: named, isInferred: false };
  return { list: DONE_BY_ONE.has(type) ? all.slice(0, 1) : all, isInferred: true };
}

function blocks(type: EventType, data: Fields): Partial<EventDraft> {
  const bounce = fields(data['bounce']);
  switch (type) {
    case 'email.bounced': {
      const response = firstText(...list(bounce['diagnosticCode']));
      const said = lookUp(BOUNCE_TYPES, text(bounce['type'])?.toLowerCase() ?? null) ?? null;
      const classify = said === 'undetermined' ? classifyBounce : classifyPermanent;
      return {
        delivery: { response },
        bounce: classify({
          type: said,
          words: [bounce['subType']],
          response,
          description: bounce['message'],
        }),
      };
    }
    case 'email.rejected': {
      const said = firstText(fields(data['suppressed'])['message'], bounce['message']);
      const why = rejectReasonOf(said, fields(data['suppressed'])['type']);
      return { reject: why === 'other' ? 'suppressed' : why, delivery: { response: said } };
    }
    case 'email.failed':
      return { delivery: { response: fields(data['failed'])['reason'] } };
    case 'email.deferred':
      return { delivery: { response: fields(data['delivery_delayed'])['reason'] } };
    case 'email.opened':
      return { engagement: engagementOf(fields(data['open'])) };
    case 'email.clicked':
      return { engagement: engagementOf(fields(data['click'])) };
    case 'email.complained':
      return { complaint: { type: firstText(fields(data['complaint'])['type']) ?? 'abuse' } };
    default:
      return {};
  }
}

function engagementOf(part: Fields): NonNullable<EventDraft['engagement']> {
  return { url: part['link'], ip: part['ipAddress'], userAgent: part['userAgent'] };
}

/** Tags as an object, or as a list of name and value. */
function labelsOf(data: Fields): Pick<EventDraft, 'tags' | 'metadata'> {
  const written = isFields(data['tags'])
    ? Object.entries(data['tags'])
    : list(data['tags']).map(
        (tag) => [text(fields(tag)['name']) ?? '', fields(tag)['value']] as const,
      );
  const tags = written.filter(([name]) => name !== '').sort(([a], [b]) => (a < b ? -1 : 1));
  const byHeader = fields(parse(headerIn(data['headers'], 'x-metadata') ?? ''));
  const tagHeader = headerIn(data['headers'], 'x-tags') ?? headerIn(data['headers'], 'x-tag');
  return {
    tags: tagHeader ?? tags.map(([name, value]) => `${name}:${text(value) ?? ''}`),
    metadata: { ...Object.fromEntries(tags), ...byHeader },
  };
}

function decodeInbound(name: string, id: string | null, body: Fields): DecodedEvent[] {
  const data = fields(body['data']);
  return buildInbound(NAME, {
    providerType: name,
    providerEventId: id,
    timestamp: timeOf(body['created_at'], data['created_at']),
    recipients: list(data['to']),
    from: data['from'],
    subject: data['subject'],
    smtpId: data['message_id'],
    providerId: data['email_id'],
    sentAt: null,
    raw: body,
  });
}

export const resend: Provider = {
  name: NAME,
  aliases: [],
  title: 'Resend',
  pages: [
    'https://resend.com/docs/webhooks/event-types',
    'https://resend.com/docs/webhooks/verify-webhooks-requests',
    'https://resend.com/docs/webhooks/retries-and-replays',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: resendDialect.timeoutMs,
    retryDelaysMs: resendDialect.ladderMs,
    stopStatuses: [],
    note: 'An endpoint that fails for days is switched off.',
  },
  checkSecret: (secret) => void importVerifier(secret),
  verify: (request, context) =>
    verifySigned(request, context, (secrets) => verifySvix(request, context, secrets)),
  decode,
  dedupParts,
  dialect: resendDialect,
};
