import { createHash } from 'node:crypto';
import type { CanonicalEvent, EventType } from '../../event.ts';
import { keyOf, signBase64, withId } from '../shared/encode/sign.ts';
import {
  epochSeconds,
  JSON_TYPE,
  known,
  messageIdOf,
  notCarried,
  optionOf,
  saidOf,
} from '../shared/encode/values.ts';
import type { Dialect, DialectOption, DialectSender } from './dialect.ts';

/**
 * Events of ours as MailChannels' delivery events (docs.mailchannels.net/email-api/advanced/
 * delivery-events). `email` is the sender; a bounce of whatever kind is `hard-bounced`, since there is
 * no other: `status` says whether it was.
 */

const NAMES: Readonly<Partial<Record<EventType, string>>> = {
  'email.accepted': 'processed',
  'email.delivered': 'delivered',
  'email.rejected': 'dropped',
  'email.failed': 'dropped',
  'email.bounced': 'hard-bounced',
  'email.opened': 'open',
  'email.clicked': 'click',
  'email.unsubscribed': 'unsubscribed',
  'email.complained': 'complained',
  'system.test': 'test',
};

const HANDLE: DialectOption = {
  name: 'customer_handle',
  description: 'What stands in customer_handle; the id of the project by default.',
  fallback: null,
  explain: (value) =>
    /^[\w.-]{1,64}$/.test(value)
      ? null
      : 'A customer handle has 1 to 64 letters, digits, dots, hyphens and underscores.',
};

function write(event: CanonicalEvent, sender: DialectSender): object {
  const { type, timestamp, data } = event;
  const name = NAMES[type];
  if (name === undefined) throw notCarried(event, 'mailchannels');
  return {
    email: data.message?.from ?? (type === 'system.test' ? 'test@mailchannels.com' : ''),
    customer_handle: optionOf(sender, 'customer_handle', sender.projectId),
    timestamp: epochSeconds(timestamp),
    event: name,
    ...known({
      request_id: messageIdOf(event) ?? (type === 'system.test' ? event.id : null),
      smtp_id: data.message?.smtp_id,
      campaign_id: type === 'system.test' ? null : data.tags?.[0],
      recipients: data.recipient == null ? null : [data.recipient],
      ...more(event),
    }),
  };
}

function more({ type, data }: CanonicalEvent): object {
  const { delivery, engagement, reject } = data;
  switch (type) {
    case 'email.delivered':
    case 'email.bounced':
    case 'email.failed':
      // A text, as its SDK types it.
      return { status: delivery?.smtp_code?.toString(), reason: saidOf(data) };
    case 'email.rejected':
      return { reason: reject?.reason };
    case 'email.opened':
    case 'email.clicked':
      return { url: engagement?.url, ip: engagement?.ip, user_agent: engagement?.user_agent };
    default:
      return {};
  }
}

const BASE = ['time:s', 'recipient', 'message', 'message.smtp_id', 'message.from', 'tag'];
const REPLY = ['delivery.response', 'delivery.smtp_code'];
const READER = ['engagement.ip', 'engagement.user_agent'];

export const mailchannelsDialect: Dialect = {
  carries: {
    'email.accepted': { fields: BASE },
    'email.delivered': { fields: [...BASE, ...REPLY] },
    'email.rejected': { fields: [...BASE, 'reject.reason'] },
    'email.failed': { as: 'email.rejected', fields: BASE },
    'email.bounced': { fields: [...BASE, ...REPLY] },
    'email.opened': { fields: [...BASE, ...READER] },
    'email.clicked': { fields: [...BASE, ...READER, 'engagement.url'] },
    'email.unsubscribed': { fields: BASE },
    'email.complained': { fields: BASE },
    'system.test': { fields: ['time:s'] },
  },
  signs: ['ed25519'],
  ladderMs: null,
  timeoutMs: null,
  lists: { maxEvents: 1_000, maxWaitMs: 1_000 },
  handshake: null,
  options: [HANDLE],
  encode: ({ events }, sender) => ({
    body: JSON.stringify(events.map((event) => write(event, sender))),
    headers: JSON_TYPE,
  }),
  /** RFC 9421 over the content digest, in the one order of parameters that its SDK reads. */
  sign({ body, headers }, context) {
    const key = keyOf(context);
    const created = Math.floor(context.nowMs / 1_000);
    const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
    const parameters = `("content-digest");created=${created};alg="ed25519";keyid="${key.id}"`;
    const base = `"content-digest": ${digest}\n"@signature-params": ${parameters}`;
    const label = `sig_${created}`;
    const signed = [
      ...['Content-Digest', digest],
      ...['Signature-Input', `${label}=${parameters}`],
      ...['Signature', `${label}=:${signBase64(key, null, base)}:`],
    ];
    return withId({ body, headers: [...headers, ...signed] }, context);
  },
};
