import type { EventType } from '../event.ts';
import type { DecodedEvent } from './provider.ts';
import { buildEvent, type EventDraft, parse } from './shared/build/build-event.ts';
import { classifyBounce } from './shared/build/classify-bounce.ts';
import { buildInbound } from './shared/build/inbound-mail.ts';
import { rejectReasonOf } from './shared/build/reject-reason.ts';
import { type Fields, firstText, headerIn, lookUp, text } from './shared/read/fields.ts';
import { type FormBody, invalidPayload } from './shared/read/request-body.ts';
import { fromDateText, timeOf } from './shared/read/timestamps.ts';

/** What Mailgun posts as a form: events of its older webhooks, and inbound mail of its routes. */

const TYPES: Readonly<Record<string, EventType>> = {
  delivered: 'email.delivered',
  dropped: 'email.rejected',
  bounced: 'email.bounced',
  complained: 'email.complained',
  unsubscribed: 'email.unsubscribed',
  opened: 'email.opened',
  clicked: 'email.clicked',
};

/** What Mailgun itself puts into an older event; every other field is a variable of the sender's. */
const OWN_KEYS = new Set(
  'event recipient domain message-headers message-id timestamp token signature code error reason notification description ip country region city user-agent device-type client-type client-name client-os campaign-id campaign-name tag mailing-list url x-mailgun-sid attachment-count attachment-1 body-plain parent-signature'.split(
    ' ',
  ),
);

/** Throws `invalid_payload`. */
export function decodeMailgunForm(
  provider: string,
  { fields: form, files }: FormBody,
): DecodedEvent[] {
  const headers = parse(text(form['message-headers']) ?? '');
  if (text(form['event']) !== null) return [decodeEvent(provider, form, headers)];
  if (text(form['recipient']) === null) {
    throw invalidPayload(
      'This is not what Mailgun sends: expected the field "event" or "recipient".',
    );
  }
  return buildInbound(provider, {
    providerType: 'inbound',
    timestamp: timeOf(form['timestamp']),
    recipients: [form['recipient']],
    from: firstText(form['from'], form['From'], form['sender']),
    subject: firstText(form['subject'], form['Subject']),
    smtpId: firstText(form['Message-Id'], headerIn(headers, 'message-id')),
    sentAt: fromDateText(firstText(form['Date'], headerIn(headers, 'date'))),
    raw: { ...form, files },
  });
}

function decodeEvent(provider: string, form: Fields, headers: unknown): DecodedEvent {
  const name = text(form['event']);
  const type = lookUp(TYPES, name) ?? 'email.unknown';
  const messageId = firstText(
    form['Message-Id'],
    form['message-id'],
    headerIn(headers, 'message-id'),
  );
  const own = Object.entries(form).filter(([key]) => !OWN_KEYS.has(key.toLowerCase()));
  return buildEvent(provider, {
    type,
    providerType: name,
    timestamp: timeOf(form['timestamp']),
    message: {
      smtpId: messageId,
      providerId: messageId?.replace(/^<|>$/g, ''),
      from: headerIn(headers, 'from'),
      subject: headerIn(headers, 'subject'),
    },
    recipient: form['recipient'],
    ...blocks(type, form),
    tags: headerIn(headers, 'x-mailgun-tag') ?? form['tag'],
    metadata: Object.fromEntries(own),
    raw: form,
  });
}

function blocks(type: EventType, form: Fields): Partial<EventDraft> {
  const response = firstText(
    form['error'],
    form['description'],
    form['notification'],
    form['reason'],
  );
  const delivery = { smtpCode: form['code'], response };
  switch (type) {
    case 'email.bounced':
      return {
        delivery,
        bounce: classifyBounce({
          type: 'hard',
          smtpCode: form['code'],
          response,
          description: form['notification'],
        }),
      };
    case 'email.rejected':
      return {
        delivery: { response },
        reject: rejectReasonOf(form['reason'], form['description']),
      };
    case 'email.opened':
    case 'email.clicked':
      return {
        engagement: {
          url: form['url'],
          ip: form['ip'],
          userAgent: form['user-agent'],
          client: { name: form['client-name'], os: form['client-os'], device: form['device-type'] },
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
