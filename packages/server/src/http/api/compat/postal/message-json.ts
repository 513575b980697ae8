import { createHash } from 'node:crypto';
import { type CanonicalEvent, numberFor } from '@posthorn/sdk';
import PostalMime from 'postal-mime';
import type { MessageRecord } from '../../../../store/mail/messages.ts';
import type { RecipientRow } from '../../../../store/mail/transmissions.ts';

/** What Postal calls what became of a message. */
type Status = 'Pending' | 'Sent' | 'SoftFail' | 'HardFail' | 'Held' | 'Bounced';

/** By the state of a recipient, the one that still needs attention first. */
const STATUS_OF: readonly (readonly [string, Status])[] = [
  ['accepted', 'Pending'],
  ['sent', 'Pending'],
  ['deferred', 'SoftFail'],
  ['held', 'Held'],
  ['failed', 'HardFail'],
  ['rejected', 'HardFail'],
  ['bounced', 'HardFail'],
  ['delivered', 'Sent'],
];

/** Events that tell of a try to deliver, or of why there was none. */
const DELIVERY_STATUS: Readonly<Record<string, Status>> = {
  'email.delivered': 'Sent',
  'email.deferred': 'SoftFail',
  'email.bounced': 'HardFail',
  'email.failed': 'HardFail',
  'email.rejected': 'HardFail',
  'email.held': 'Held',
};

/** Seconds since the epoch, with their fraction. */
const seconds = (timestamp: string): number => Date.parse(timestamp) / 1_000;

/** A bounce that came back by mail is another thing in Postal than a refusal. */
function statusOf({ type, data }: CanonicalEvent): Status | undefined {
  return type === 'email.bounced' && data.bounce?.from_dsn === true
    ? 'Bounced'
    : DELIVERY_STATUS[type];
}

export function toDeliveries(events: readonly CanonicalEvent[]): object[] {
  return events.flatMap((event) => {
    const status = statusOf(event);
    if (status === undefined) return [];
    const { delivery, bounce, reject } = event.data;
    return {
      id: numberFor(event.id),
      status,
      details: bounce?.description ?? reject?.reason ?? delivery?.response ?? '',
      output: delivery?.response ?? '',
      sent_with_ssl: delivery?.tls ?? false,
      log_id: null,
      time: delivery?.latency_ms == null ? null : delivery.latency_ms / 1_000,
      timestamp: seconds(event.timestamp),
    };
  });
}

/** The parts of a message that `_expansions` can ask for, each made when it is asked for. */
export interface MessageParts {
  message: MessageRecord;
  recipients: readonly RecipientRow[];
  events: readonly CanonicalEvent[];
  /** Null when the retention has taken it. */
  raw: Uint8Array | null;
}

export const EXPANSIONS: Readonly<Record<string, (parts: MessageParts) => unknown>> = {
  status({ recipients, events }) {
    const state = STATUS_OF.find(([name]) => recipients.some((one) => one.state === name));
    const bounced = events.some((event) => statusOf(event) === 'Bounced');
    const last = events.filter((event) => statusOf(event) !== undefined).at(-1);
    const status = bounced ? 'Bounced' : (state?.[1] ?? 'Pending');
    return {
      status,
      last_delivery_attempt: last === undefined ? null : seconds(last.timestamp),
      held: status === 'Held',
      hold_expiry: null,
    };
  },
  details: ({ message, recipients }) => ({
    rcpt_to: recipients.map(({ recipient }) => recipient).join(', '),
    mail_from: message.envelopeFrom,
    subject: message.subject ?? '',
    message_id: message.smtpId.replace(/^<|>$/g, ''),
    timestamp: message.createdAtMs / 1_000,
    direction: 'outgoing',
    size: String(message.sizeBytes),
    bounce: false,
    bounce_for_id: null,
    bounce_type: null,
    tag: message.tags[0] ?? null,
    received_with_ssl: null,
  }),
  // Nothing here looks for spam or viruses in what is sent.
  inspection: () => ({
    inspected: false,
    spam: false,
    spam_score: 0,
    threat: false,
    threat_details: null,
  }),
  plain_body: async ({ raw }) => (await parse(raw))?.text ?? null,
  html_body: async ({ raw }) => (await parse(raw))?.html ?? null,
  async attachments({ raw }) {
    const attachments = (await parse(raw))?.attachments ?? [];
    return attachments.map(({ filename, mimeType, content }) => {
      const bytes =
        typeof content === 'string' ? Buffer.from(content) : Buffer.from(new Uint8Array(content));
      return {
        filename: filename ?? '',
        content_type: mimeType,
        data: bytes.toString('base64'),
        size: bytes.length,
        // Its API says SHA-1: a name for the content, and no protection of it.
        hash: createHash('sha1').update(bytes).digest('hex'),
      };
    });
  },
  async headers({ raw }) {
    const headers: Record<string, string[]> = {};
    for (const { key, value } of (await parse(raw))?.headers ?? []) {
      headers[key] = [...(headers[key] ?? []), value];
    }
    return headers;
  },
  raw_message: ({ raw }) => (raw === null ? null : Buffer.from(raw).toString('base64')),
  activity_entries: ({ events }) => ({
    loads: events.filter(({ type }) => type === 'email.opened').map(toActivity),
    clicks: events
      .filter(({ type }) => type === 'email.clicked')
      .map((event) => ({ url: event.data.engagement?.url ?? null, ...toActivity(event) })),
  }),
};

function toActivity({ timestamp, data }: CanonicalEvent) {
  const { ip = null, user_agent = null } = data.engagement ?? {};
  return { ip_address: ip, user_agent, timestamp: seconds(timestamp) };
}

const parse = async (raw: Uint8Array | null) => (raw === null ? null : PostalMime.parse(raw));
