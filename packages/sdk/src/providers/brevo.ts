import type { EventType } from '../event.ts';
import { numberText } from '../lossless-json.ts';
import type { DecodedEvent, Provider, ProviderRequest } from './provider.ts';
import { buildEvent, type EventDraft, parse } from './shared/build/build-event.ts';
import { classifyBounce, deferralCause } from './shared/build/classify-bounce.ts';
import { dedupPartsWithoutEventId } from './shared/build/dedup.ts';
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
import { HOUR_MS, MINUTE_MS } from './shared/verify/signatures.ts';
import { verifyUnsigned } from './shared/verify/transport-secrets.ts';

/**
 * Brevo, earlier Sendinblue: transactional webhooks (developers.brevo.com/docs/transactional-webhooks),
 * batches (.../docs/batch-webhooks), inbound parsing (.../docs/inbound-parse-webhooks).
 *
 * Secrets: Brevo does not sign. Basic auth, a bearer token or a header of its settings.
 * Dedup key: there is no event id; `id` is that of the webhook.
 * Times: `ts_epoch` in ms is the one that is UTC for sure. `ts_event` and `ts` stand in for it where it
 * is missing or, as in some of Brevo's own examples, given in seconds; `date` is local time.
 * Lost beside `raw`: sending IP, template, segments and lists of marketing events.
 */

const NAME = 'brevo';

const TYPES: Readonly<Record<string, EventType>> = {
  request: 'email.accepted',
  sent: 'email.sent',
  delivered: 'email.delivered',
  deferred: 'email.deferred',
  hardbounce: 'email.bounced',
  softbounce: 'email.bounced',
  blocked: 'email.rejected',
  invalidemail: 'email.rejected',
  invalid: 'email.rejected',
  error: 'email.failed',
  opened: 'email.opened',
  uniqueopened: 'email.opened',
  firstopening: 'email.opened',
  proxyopen: 'email.opened',
  uniqueproxyopen: 'email.opened',
  loadedbyproxy: 'email.opened',
  click: 'email.clicked',
  clicked: 'email.clicked',
  spam: 'email.complained',
  complaint: 'email.complained',
  unsubscribe: 'email.unsubscribed',
  unsubscribed: 'email.unsubscribed',
  listaddition: 'email.resubscribed',
  inboundemailprocessed: 'email.received',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  const body = readJson(request);
  // A batch is a list, or an object that holds one.
  const entries = isFields(body) && Array.isArray(body['events']) ? body['events'] : list(body);
  return decodeEntries(entries, {
    expects: 'an object with "event", or inbound mail with "items"',
    isEntry: (entry) => text(entry['event']) !== null || Array.isArray(entry['items']),
    decode: (entry) =>
      Array.isArray(entry['items']) ? entry['items'].flatMap(decodeInbound) : [decodeEvent(entry)],
  });
}

/** Names are written with underscores in transactional webhooks, in camel case in marketing ones. */
function keyOf(entry: Fields): string | null {
  return (
    text(entry['event'])
      ?.toLowerCase()
      .replace(/[^a-z]/g, '') ?? null
  );
}

function decodeEvent(entry: Fields): DecodedEvent {
  const key = keyOf(entry);
  const type = lookUp(TYPES, key) ?? 'email.unknown';
  return buildEvent(NAME, {
    type,
    providerType: entry['event'],
    timestamp: happenedAt(entry),
    message: {
      smtpId: entry['message-id'],
      providerId: entry['message-id'],
      from: firstText(entry['sender_email'], entry['from']),
      subject: entry['subject'],
    },
    recipient: entry['email'],
    ...blocks(type, key ?? '', entry),
    tags: entry['tags'] ?? entry['tag'],
    metadata: customHeader(entry),
    raw: entry,
  });
}

function happenedAt(entry: Fields): string | null {
  const inMs = numberText(entry['ts_epoch'])?.replace(/\..*/, '') ?? '';
  const epoch = inMs.length > 11 ? entry['ts_epoch'] : null;
  return timeOf(
    epoch,
    entry['ts_event'],
    entry['ts'],
    entry['ts_epoch'],
    entry['date_event'],
    entry['date'],
  );
}

/** `X-Mailin-custom`: JSON where the sender wrote some, otherwise a text of its own form. */
function customHeader(entry: Fields): unknown {
  const key = Object.keys(entry).find((one) => one.toLowerCase() === 'x-mailin-custom');
  const value = key === undefined ? null : entry[key];
  if (isFields(value)) return value;
  const written = text(value);
  if (key === undefined || written === null) return {};
  const parsed = parse(written);
  return isFields(parsed) ? parsed : { [key]: written };
}

function blocks(type: EventType, key: string, entry: Fields): Partial<EventDraft> {
  const response = text(entry['reason']);
  switch (type) {
    case 'email.delivered':
    case 'email.failed':
      return { delivery: { response } };
    case 'email.deferred':
      return { delivery: { response, errorCode: deferralCause({ response }) } };
    case 'email.bounced':
      return {
        delivery: { response },
        bounce: classifyBounce({ type: key === 'softbounce' ? 'soft' : 'hard', response }),
      };
    case 'email.rejected': {
      const why = key === 'blocked' ? rejectReasonOf(response, 'suppressed') : 'invalid_address';
      return { reject: why === 'other' ? 'suppressed' : why, delivery: { response } };
    }
    case 'email.opened':
    case 'email.clicked':
      return { engagement: engagementOf(key, entry) };
    case 'email.unsubscribed':
    case 'email.resubscribed':
      return { unsubscribe: { method: 'link' } };
    case 'email.complained':
      return { complaint: { type: 'abuse' } };
    default:
      return {};
  }
}

function engagementOf(key: string, entry: Fields): NonNullable<EventDraft['engagement']> {
  const isProxy = key.includes('proxy');
  return {
    url: firstText(entry['link'], entry['URL']),
    ip: entry['ip'],
    userAgent: entry['user_agent'],
    client: { device: entry['device_used'] },
    first: key.startsWith('unique') || key === 'firstopening' ? true : null,
    machine: isProxy ? true : null,
    machineReason: isProxy ? 'proxy_open' : null,
  };
}

function decodeInbound(item: unknown): DecodedEvent[] {
  const mail = fields(item);
  const recipients = list(mail['Recipients']);
  return buildInbound(NAME, {
    providerType: 'inbound',
    providerEventId: list(mail['Uuid'])[0],
    timestamp: null,
    recipients:
      recipients.length > 0 ? recipients : list(mail['To']).map((one) => fields(one)['Address']),
    from: firstText(fields(mail['From'])['Address'], mail['From']),
    subject: mail['Subject'],
    smtpId: firstText(mail['MessageId'], headerIn(mail['Headers'], 'message-id')),
    providerId: list(mail['Uuid'])[0],
    sentAt: fromDateText(text(mail['SentAtDate'])),
    raw: mail,
  });
}

export const brevo: Provider = {
  name: NAME,
  aliases: ['sendinblue'],
  title: 'Brevo',
  pages: [
    'https://developers.brevo.com/docs/transactional-webhooks',
    'https://developers.brevo.com/docs/batch-webhooks',
    'https://developers.brevo.com/docs/inbound-parse-webhooks',
  ],
  answer: {
    refused: 401,
    busy: 429,
    timeoutMs: null,
    retryDelaysMs: [10 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 8 * HOUR_MS],
    stopStatuses: [400, 401, 403, 404, 500, 502, 503],
    note: 'Any 4xx but 429, and any 5xx, makes Brevo discard the event: never answer it 5xx.',
  },
  verify: verifyUnsigned,
  decode,
  dedupParts: dedupPartsWithoutEventId,
};
