import type { EventType } from '../event.ts';
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
  flag,
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
 * Mailjet: Event API (dev.mailjet.com/email/guides/webhooks/) and Parse API
 * (dev.mailjet.com/email/guides/parse-api/). One event, or a list where events are grouped.
 *
 * Secrets: Mailjet does not sign. Basic auth in the URL.
 * Dedup key: there is no event id. `MessageID` exceeds what a double holds.
 * `sent` means that the receiving server took the message. `CustomID` is a tag, and so is the campaign;
 * `Payload` is the metadata: JSON where the sender wrote some, otherwise its text.
 * Lost beside `raw`: contact, campaign and list ids, geography.
 */

const NAME = 'mailjet';

const TYPES: Readonly<Record<string, EventType>> = {
  sent: 'email.delivered',
  open: 'email.opened',
  click: 'email.clicked',
  bounce: 'email.bounced',
  blocked: 'email.rejected',
  spam: 'email.complained',
  unsub: 'email.unsubscribed',
};

function decode(request: ProviderRequest): DecodedEvent[] {
  return decodeEntries(list(readJson(request)), {
    expects: 'an object with "event", or a parsed mail with "Headers"',
    isEntry: (entry) => text(entry['event']) !== null || isInbound(entry),
    decode: (entry) => (isInbound(entry) ? decodeInbound(entry) : [decodeEvent(entry)]),
  });
}

function isInbound(entry: Fields): boolean {
  return !('event' in entry) && isFields(entry['Headers']) && 'Recipient' in entry;
}

function decodeEvent(entry: Fields): DecodedEvent {
  const name = text(entry['event']);
  const type = typeOf(name, entry);
  return buildEvent(NAME, {
    type,
    providerType: name,
    timestamp: timeOf(entry['time']),
    message: { providerId: firstText(entry['MessageID'], entry['Message_GUID']) },
    recipient: entry['email'],
    ...blocks(type, entry),
    tags: [entry['CustomID'], entry['customcampaign']],
    metadata: payloadOf(entry),
    raw: entry,
  });
}

/** Greylisting is no bounce: Mailjet tries again. */
function typeOf(name: string | null, entry: Fields): EventType {
  const isGreylisted = text(entry['error']) === 'greylisted' && flag(entry['hard_bounce']) !== true;
  if (name === 'bounce' && isGreylisted) return 'email.deferred';
  return lookUp(TYPES, name) ?? 'email.unknown';
}

function payloadOf(entry: Fields): unknown {
  const written = entry['Payload'];
  if (typeof written !== 'string') return written;
  const parsed = parse(written);
  return isFields(parsed) ? parsed : { Payload: written };
}

function blocks(type: EventType, entry: Fields): Partial<EventDraft> {
  const words = [entry['error'], entry['error_related_to']];
  const description = words.map(text).filter(Boolean).join(': ');
  const response = firstText(entry['comment'], entry['smtp_reply']);
  switch (type) {
    case 'email.delivered':
      return { delivery: { response: entry['smtp_reply'] } };
    case 'email.deferred':
      return {
        delivery: {
          response: response ?? description,
          errorCode: deferralCause({ words, response }),
        },
      };
    case 'email.bounced': {
      const isHard = flag(entry['hard_bounce']) === true;
      return {
        delivery: { response },
        bounce: classifyBounce({
          type: isHard ? 'hard' : 'soft',
          words,
          response,
          description,
          suppressed: flag(entry['blocked']),
        }),
      };
    }
    case 'email.rejected':
      return {
        reject: rejectReasonOf(...words, response),
        delivery: { response: response ?? description },
      };
    case 'email.opened':
    case 'email.clicked':
      return { engagement: { url: entry['url'], ip: entry['ip'], userAgent: entry['agent'] } };
    case 'email.unsubscribed':
      return {
        unsubscribe: { method: 'link', group: entry['mj_list_id'] },
        engagement: { ip: entry['ip'], userAgent: entry['agent'] },
      };
    case 'email.complained':
      return { complaint: { type: 'abuse', userAgent: entry['source'] } };
    default:
      return {};
  }
}

function decodeInbound(entry: Fields): DecodedEvent[] {
  const headers = fields(entry['Headers']);
  return buildInbound(NAME, {
    providerType: 'parse',
    timestamp: null,
    recipients: [entry['Recipient']],
    from: firstText(entry['From'], entry['Sender']),
    subject: entry['Subject'],
    smtpId: headerIn(headers, 'message-id'),
    sentAt: fromDateText(firstText(entry['Date'], headerIn(headers, 'date'))),
    raw: entry,
  });
}

export const mailjet: Provider = {
  name: NAME,
  aliases: [],
  title: 'Mailjet',
  pages: [
    'https://dev.mailjet.com/email/guides/webhooks/',
    'https://dev.mailjet.com/email/guides/parse-api/',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: null,
    retryDelaysMs: Array.from({ length: 20 }, () => 30_000),
    stopStatuses: [],
    note: 'Only 200 counts as success. It tries every 30 seconds for 24 hours, then the webhook is suspended.',
  },
  verify: verifyUnsigned,
  decode,
  dedupParts: dedupPartsWithoutEventId,
};
