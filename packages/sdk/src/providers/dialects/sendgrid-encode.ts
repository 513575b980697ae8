import type { BounceCategory, CanonicalEvent, EventData } from '../../event.ts';
import { OWN_KEYS } from '../sendgrid-keys.ts';
import { keyOf, signBase64, withId } from '../shared/encode/sign.ts';
import {
  epochSeconds,
  isHard,
  JSON_TYPE,
  known,
  messageIdOf,
  notCarried,
  saidOf,
  textMetadata,
} from '../shared/encode/values.ts';
import type { Dialect } from './dialect.ts';

/**
 * Events of ours as those of SendGrid's Event Webhook: a list, and CR LF behind it, which is signed too.
 * A bounce that is not hard is `blocked`, after which SendGrid does not suppress either. Metadata are
 * unique arguments: keys beside the others, unless SendGrid has one of that name.
 */

const CLASSES: Readonly<Record<BounceCategory, string>> = {
  invalid_address: 'Invalid Address',
  invalid_domain: 'Invalid Address',
  mailbox_full: 'Mailbox Unavailable',
  mailbox_inactive: 'Mailbox Unavailable',
  message_too_large: 'Content',
  spam_content: 'Content',
  content_rejected: 'Content',
  blocked: 'Reputation',
  policy: 'Reputation',
  relay_denied: 'Technical',
  rate_limited: 'Frequency or Volume Too High',
  greylisted: 'Technical',
  timeout: 'Technical',
  dns_failure: 'Technical',
  connection_failure: 'Technical',
  auto_reply: 'Unclassified',
  suppressed: 'Unclassified',
  other: 'Unclassified',
};

function write(event: CanonicalEvent): object {
  const { id, timestamp, data } = event;
  const own = {
    email: data.recipient ?? null,
    timestamp: epochSeconds(timestamp),
    'smtp-id': data.message?.smtp_id ?? undefined,
    category: data.tags === undefined || data.tags.length === 0 ? undefined : data.tags,
    sg_event_id: id,
    sg_message_id: messageIdOf(event),
    ...specificTo(event),
  };
  return { ...uniqueArguments(data), ...known(own) };
}

function uniqueArguments(data: EventData): Record<string, string> {
  const entries = Object.entries(textMetadata(data)).filter(([key]) => !OWN_KEYS.has(key));
  return Object.fromEntries(entries);
}

function specificTo(event: CanonicalEvent): object {
  const { data } = event;
  const { delivery, engagement, reject } = data;
  switch (event.type) {
    case 'email.accepted':
      return { event: 'processed' };
    case 'email.delivered':
      return { event: 'delivered', response: delivery?.response, tls: tlsOf(data) };
    case 'email.deferred':
      return {
        event: 'deferred',
        response: delivery?.response,
        attempt: delivery?.attempt == null ? null : String(delivery.attempt),
        tls: tlsOf(data),
      };
    case 'email.bounced':
      return {
        event: 'bounce',
        type: isHard(data) ? 'bounce' : 'blocked',
        reason: saidOf(data),
        status: delivery?.enhanced_code,
        bounce_classification: CLASSES[data.bounce?.category ?? 'other'],
        tls: tlsOf(data),
      };
    case 'email.rejected':
      return { event: 'dropped', reason: reject?.reason };
    case 'email.failed':
      return { event: 'dropped', reason: saidOf(data) };
    case 'email.opened':
      return {
        event: 'open',
        ...readerOf(engagement),
        sg_content_type: 'html',
        sg_machine_open: engagement?.machine ?? false,
      };
    case 'email.clicked':
      return {
        event: 'click',
        ...readerOf(engagement),
        url: engagement?.url,
        url_offset: { index: 0, type: 'html' },
      };
    case 'email.complained':
      return { event: 'spamreport' };
    case 'email.unsubscribed': {
      const group = groupOf(data);
      return group === null ? { event: 'unsubscribe' } : { event: 'group_unsubscribe', ...group };
    }
    case 'email.resubscribed':
      return { event: 'group_resubscribe', ...groupOf(data) };
    default:
      throw notCarried(event, 'sendgrid');
  }
}

const tlsOf = ({ delivery }: EventData): number | null =>
  delivery?.tls == null ? null : Number(delivery.tls);

function readerOf(engagement: EventData['engagement']): object {
  return { useragent: engagement?.user_agent, ip: engagement?.ip };
}

/** Groups are numbers there. */
function groupOf({ unsubscribe }: EventData): { asm_group_id: number } | null {
  const group = unsubscribe?.group ?? '';
  return /^\d{1,9}$/.test(group) ? { asm_group_id: Number(group) } : null;
}

const BASE = ['event_id', 'time:s', 'recipient', 'message', 'message.smtp_id', 'tags', 'metadata'];
const READER = ['engagement.ip', 'engagement.user_agent'];

export const sendgridDialect: Dialect = {
  carries: {
    'email.accepted': { fields: BASE },
    'email.delivered': { fields: [...BASE, 'delivery.response', 'delivery.tls'] },
    'email.deferred': {
      fields: [...BASE, 'delivery.response', 'delivery.attempt', 'delivery.tls'],
    },
    'email.bounced': {
      fields: [
        ...BASE,
        'delivery.response',
        'delivery.enhanced_code',
        'delivery.tls',
        'bounce.hard',
      ],
    },
    'email.rejected': { fields: [...BASE, 'reject.reason'] },
    'email.failed': { as: 'email.rejected', fields: BASE },
    'email.opened': { fields: [...BASE, ...READER, 'engagement.machine'] },
    'email.clicked': { fields: [...BASE, ...READER, 'engagement.url'] },
    'email.complained': { fields: BASE },
    'email.unsubscribed': { fields: BASE },
    'email.resubscribed': { fields: BASE },
  },
  signs: ['ecdsa'],
  ladderMs: null,
  timeoutMs: null,
  lists: { maxEvents: 1_000, maxWaitMs: 1_000 },
  handshake: null,
  options: [],
  encode: ({ events }) => ({
    body: `${JSON.stringify(events.map(write))}\r\n`,
    headers: JSON_TYPE,
  }),
  sign({ body, headers }, context) {
    const timestamp = String(Math.floor(context.nowMs / 1_000));
    const signature = signBase64(keyOf(context), 'sha256', timestamp + body);
    const signed = [
      ...['X-Twilio-Email-Event-Webhook-Signature', signature],
      ...['X-Twilio-Email-Event-Webhook-Timestamp', timestamp],
    ];
    return withId({ body, headers: [...headers, ...signed] }, context);
  },
};
