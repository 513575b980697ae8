import type { BounceCategory, CanonicalEvent, EventData, EventType } from '../../event.ts';
import { signStandard } from '../shared/encode/sign.ts';
import {
  isHard,
  JSON_TYPE,
  known,
  messageIdOf,
  notCarried,
  onlyEvent,
  saidOf,
  textMetadata,
} from '../shared/encode/values.ts';
import type { Dialect } from './dialect.ts';

/**
 * Events of ours as Resend's webhooks (resend.com/docs/webhooks/event-types). Its tags are names with
 * values, so metadata are its tags, and our tags have no place.
 */

const NAMES: Readonly<Partial<Record<EventType, string>>> = {
  'email.sent': 'email.sent',
  'email.delivered': 'email.delivered',
  'email.deferred': 'email.delivery_delayed',
  'email.bounced': 'email.bounced',
  'email.rejected': 'email.suppressed',
  'email.failed': 'email.failed',
  'email.opened': 'email.opened',
  'email.clicked': 'email.clicked',
  'email.complained': 'email.complained',
  'email.received': 'email.received',
};

function write(event: CanonicalEvent): object {
  const { timestamp, data } = event;
  const type = NAMES[event.type];
  if (type === undefined) throw notCarried(event, 'resend');
  const { message } = data;
  if (event.type === 'email.received') return { type, created_at: timestamp, data: mailOf(event) };
  return {
    type,
    created_at: timestamp,
    data: {
      created_at: message?.sent_at ?? timestamp,
      email_id: messageIdOf(event),
      from: message?.from ?? '',
      to: data.recipient == null ? [] : [data.recipient],
      subject: message?.subject ?? '',
      ...known({ message_id: message?.smtp_id }),
      tags: textMetadata(data),
      ...specificTo(event),
    },
  };
}

/** resend.com/docs/webhooks/emails/received: what a mail says has to be fetched, by its id and ours alike. */
function mailOf({ timestamp, data }: CanonicalEvent): object {
  const { inbound, message, recipient } = data;
  return {
    email_id: inbound?.id ?? '',
    created_at: timestamp,
    from: message?.from ?? '',
    to: recipient == null ? [] : [recipient],
    bcc: [],
    cc: (inbound?.cc ?? []).map(({ address }) => address),
    received_for: recipient == null ? [] : [recipient],
    message_id: message?.smtp_id ?? '',
    subject: message?.subject ?? '',
    attachments: (inbound?.attachments ?? []).map((file) => ({
      id: String(file.number),
      filename: file.filename,
      content_type: file.content_type,
      content_disposition: file.inline === true ? 'inline' : 'attachment',
      content_id: file.content_id ?? null,
    })),
  };
}

/**
 * resend.com/docs/dashboard/emails/email-bounces: Suppressed is an address that was on the list before, so not
 * each one that is on it since this bounce (`bounce.suppressed`).
 */
const SOFT: Readonly<Partial<Record<BounceCategory, string>>> = {
  mailbox_full: 'MailboxFull',
  message_too_large: 'MessageTooLarge',
  content_rejected: 'ContentRejected',
  spam_content: 'ContentRejected',
};

function bounceTypeOf(data: EventData): { type: string; subType: string } {
  const category = data.bounce?.category ?? 'other';
  if (isHard(data)) {
    return { type: 'Permanent', subType: category === 'suppressed' ? 'Suppressed' : 'General' };
  }
  if (data.bounce?.type === 'soft') {
    return { type: 'Transient', subType: SOFT[category] ?? 'General' };
  }
  return { type: 'Undetermined', subType: 'Undetermined' };
}

function specificTo({ type, timestamp, data }: CanonicalEvent): object {
  const { bounce, delivery, engagement, reject } = data;
  const reader = known({ ipAddress: engagement?.ip, userAgent: engagement?.user_agent });
  switch (type) {
    case 'email.bounced':
      return {
        bounce: {
          ...bounceTypeOf(data),
          message: bounce?.description ?? delivery?.response ?? '',
          diagnosticCode: delivery?.response == null ? [] : [delivery.response],
        },
      };
    case 'email.rejected':
      return {
        suppressed: { message: reject?.reason ?? 'suppressed', type: 'OnAccountSuppressionList' },
      };
    case 'email.failed':
      return { failed: { reason: saidOf(data) ?? delivery?.error_code ?? 'other' } };
    case 'email.opened':
      return { open: { ...reader, timestamp } };
    case 'email.clicked':
      return { click: { ...reader, link: engagement?.url ?? null, timestamp } };
    default:
      return {};
  }
}

const BASE = [
  ...['event_id', 'time', 'recipient', 'message', 'message.smtp_id', 'message.from'],
  ...['message.subject', 'message.sent_at', 'metadata'],
];
const READER = ['engagement.ip', 'engagement.user_agent'];

/** Five seconds to ten hours (resend.com/docs/webhooks/retries-and-replays). */
const LADDER_MS = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].map((seconds) => seconds * 1_000);

export const resendDialect: Dialect = {
  carries: {
    'email.sent': { fields: BASE },
    'email.delivered': { fields: BASE },
    'email.deferred': { fields: BASE },
    'email.bounced': { fields: [...BASE, 'delivery.response', 'bounce.hard'] },
    'email.rejected': { fields: BASE },
    'email.failed': { fields: BASE },
    'email.opened': { fields: [...BASE, ...READER] },
    'email.clicked': { fields: [...BASE, ...READER, 'engagement.url'] },
    'email.complained': { fields: BASE },
    'email.received': {
      fields: [
        'event_id',
        'time',
        'recipient',
        'message.smtp_id',
        'message.from',
        'message.subject',
      ],
    },
  },
  signs: ['v1'],
  ladderMs: LADDER_MS,
  timeoutMs: 15_000,
  lists: 'single',
  handshake: null,
  options: [],
  encode: (batch) => ({ body: JSON.stringify(write(onlyEvent(batch))), headers: JSON_TYPE }),
  sign: (post, context) => signStandard(post, context, 'svix'),
};
