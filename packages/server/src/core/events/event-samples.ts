// A table: one believable event of every type. Addresses are of the documentation's domains
// (RFC 2606) and networks (RFC 5737), so that no sample names anybody.
import type {
  CanonicalEvent,
  EventData,
  EventDelivery,
  EventDomain,
  EventEndpoint,
  EventEngagement,
  EventType,
} from '@posthorn/sdk';
import { toTimestamp } from '../../lib/clock.ts';
import { deliveryId, ID_PREFIXES, type IdKind } from '../ids.ts';

export interface SampleInput {
  /** `evt_...` */
  id: string;
  /** When it is said to have happened, ms. */
  atMs: number;
  /** `msg_...`; made of the event's id where it is left out, like the two below. */
  messageId?: string;
  /** The endpoint that samples about endpoints speak of. */
  endpoint?: Pick<EventEndpoint, 'id' | 'url'> & Partial<EventEndpoint>;
  /** The event that a sample of a dead letter or of a suppression speaks of. */
  aboutEventId?: string;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/**
 * A complete event of this type, marked by `data.test`, with the position that the log would give it.
 * Whoever appends it to the log leaves `sequence`, `state` and `previous_state` out.
 */
export function sampleEvent(type: EventType, input: SampleInput): CanonicalEvent {
  const { id, atMs } = input;
  const sample: Sample = {
    atMs,
    ago: (ms) => toTimestamp(atMs - ms),
    messageId: input.messageId ?? siblingOf(id, 'message'),
    aboutEventId: input.aboutEventId ?? otherEventOf(id),
    endpoint: {
      id: siblingOf(id, 'endpoint'),
      uid: 'orders',
      url: 'https://app.example.com/webhooks/email',
      description: 'Orders: tells customers when a mail did not arrive',
      ...input.endpoint,
    },
  };
  const { provider = 'posthorn', source = null, ...rest } = SAMPLES[type](sample);
  const data = { test: true, provider, source, received_at: toTimestamp(atMs), ...rest };
  return { id, type, timestamp: toTimestamp(atMs), data };
}

/** What the table below builds on. */
interface Sample {
  atMs: number;
  /** A time so many ms before the event. */
  ago(ms: number): string;
  messageId: string;
  aboutEventId: string;
  endpoint: EventEndpoint;
}

/** Another kind of id with the same ULID: it sorts to the same time, and needs no chance. */
function siblingOf(eventId: string, kind: IdKind): string {
  return `${ID_PREFIXES[kind]}_${eventId.slice(eventId.indexOf('_') + 1)}`;
}

/** Another event of the same millisecond: the part of the ULID that is chance is turned round. */
function otherEventOf(eventId: string): string {
  return eventId.slice(0, -16) + [...eventId.slice(-16)].reverse().join('');
}

const RECIPIENT = 'jane.doe@example.com';
const SOURCE_ID = 'src_01JZ8Q4N2M5X7V3C9B6H1D0K8T';
const ALERT = {
  id: 'alt_01JZ8Q4N2M5X7V3C9B6H1D0K8T',
  rule_id: 'alr_01JZ8Q4N2M5X7V3C9B6H1D0K8T',
  rule_name: 'Bounce rate over 5%',
  type: 'bounce_rate',
  about: null,
  sentence: '7.3% of the messages bounced in the last hour (73 of 1,000); the line is 5%.',
  value: 0.073,
  threshold: 0.05,
};

/** An order's confirmation, so and so many ms after it was accepted. */
function mail(
  { messageId, ago }: Sample,
  ageMs: number,
  position: Pick<EventData, 'sequence' | 'state' | 'previous_state'>,
  blocks: EventData = {},
): EventData {
  return {
    message: {
      id: messageId,
      smtp_id: `<${messageId.slice(4).toLowerCase()}@shop.example.com>`,
      provider_id: null,
      from: 'orders@shop.example.com',
      subject: 'Your order 1001 is on its way',
      stream: 'transactional',
      sent_at: ago(ageMs),
    },
    recipient: RECIPIENT,
    recipient_inferred: false,
    ...blocks,
    tags: ['order-confirmation'],
    metadata: { order_id: '1001', customer_id: 'cus_4711' },
    ...position,
  };
}

const ATTEMPT: EventDelivery = {
  attempt: 1,
  smtp_code: 250,
  enhanced_code: '2.0.0',
  response: '250 2.0.0 Ok: queued as 4c7XkL2m9Rz1Fh',
  mx: 'mx1.example.com',
  remote_ip: '203.0.113.25',
  tls: true,
  latency_ms: 812,
  error_code: null,
  next_attempt_at: null,
};

const OPEN: EventEngagement = {
  ip: '198.51.100.42',
  user_agent:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
  client: { name: 'Apple Mail', os: 'iOS', device: 'phone' },
  first: true,
  machine: false,
  machine_reason: null,
};

const LIMIT = { period: 'day', limit: 10_000 };

const DOMAIN: EventDomain = {
  name: 'shop.example.com',
  failing_since: null,
  records: [
    {
      purpose: 'spf',
      name: 'shop.example.com',
      type: 'TXT',
      status: 'ok',
      expected: 'v=spf1 ip4:192.0.2.10 -all',
      found: 'v=spf1 ip4:192.0.2.10 -all',
      detail: null,
    },
  ],
};

const DKIM_RECORD = {
  purpose: 'dkim',
  name: 'ph1._domainkey.shop.example.com',
  type: 'CNAME',
  expected: 'ph1.dkim.mail.example.net',
} as const;

const accepted = { sequence: 1, state: 'accepted', previous_state: null } as const;
const delivered = { sequence: 4, state: 'delivered', previous_state: 'delivered' } as const;

const SAMPLES: Readonly<Record<EventType, (sample: Sample) => EventData>> = {
  'email.accepted': (sample) => mail(sample, 0, accepted),
  'email.sent': (sample) =>
    mail(
      sample,
      812,
      { sequence: 2, state: 'sent', previous_state: 'accepted' },
      {
        delivery: ATTEMPT,
      },
    ),
  'email.delivered': (sample) =>
    mail(
      sample,
      812,
      { sequence: 3, state: 'delivered', previous_state: 'sent' },
      {
        delivery: ATTEMPT,
      },
    ),
  'email.deferred': (sample) =>
    mail(
      sample,
      1_204,
      { sequence: 3, state: 'deferred', previous_state: 'sent' },
      {
        delivery: {
          ...ATTEMPT,
          smtp_code: 451,
          enhanced_code: '4.7.1',
          response: `451 4.7.1 <${RECIPIENT}>: Recipient address rejected: Greylisted, please try again in 5 minutes`,
          error_code: 'smtp_reply',
          next_attempt_at: sample.ago(-5 * MINUTE_MS),
        },
      },
    ),
  'email.bounced': (sample) =>
    mail(
      sample,
      643,
      { sequence: 3, state: 'bounced', previous_state: 'sent' },
      {
        delivery: {
          ...ATTEMPT,
          smtp_code: 550,
          enhanced_code: '5.1.1',
          response: `550 5.1.1 <${RECIPIENT}>: Recipient address rejected: User unknown in virtual mailbox table`,
          latency_ms: 643,
          error_code: 'smtp_reply',
        },
        bounce: {
          type: 'hard',
          category: 'invalid_address',
          scope: 'recipient',
          description: 'The mailbox does not exist',
          async: false,
          from_dsn: false,
          suppressed: true,
        },
      },
    ),
  'email.rejected': (sample) =>
    mail(
      sample,
      0,
      { sequence: 2, state: 'rejected', previous_state: 'accepted' },
      {
        reject: { reason: 'suppressed' },
      },
    ),
  'email.failed': (sample) =>
    mail(
      sample,
      72 * HOUR_MS,
      { sequence: 12, state: 'failed', previous_state: 'deferred' },
      {
        delivery: {
          ...ATTEMPT,
          attempt: 11,
          smtp_code: null,
          enhanced_code: null,
          response: 'No connection to mx1.example.com within 30 s',
          tls: null,
          latency_ms: 30_004,
          error_code: 'connect_timeout',
        },
      },
    ),
  'email.held': (sample) =>
    mail(
      sample,
      0,
      { sequence: 2, state: 'held', previous_state: 'accepted' },
      { hold: { reason: 'rule', rule: 'New campaigns', expires_at: sample.ago(-168 * HOUR_MS) } },
    ),
  'email.released': (sample) =>
    mail(
      sample,
      22 * MINUTE_MS,
      { sequence: 3, state: 'accepted', previous_state: 'held' },
      { hold: { reason: 'rule', rule: 'New campaigns', expires_at: null } },
    ),
  'email.opened': (sample) => mail(sample, 9 * MINUTE_MS, delivered, { engagement: OPEN }),
  'email.clicked': (sample) =>
    mail(
      sample,
      10 * MINUTE_MS,
      { ...delivered, sequence: 5 },
      {
        engagement: {
          url: 'https://shop.example.com/orders/1001/track',
          link_id: 'track',
          ...OPEN,
        },
      },
    ),
  'email.complained': (sample) =>
    mail(sample, 3 * HOUR_MS, delivered, {
      complaint: { type: 'abuse', feedback_id: null, user_agent: 'ExampleMail-FBL/1.0' },
    }),
  'email.unsubscribed': (sample) =>
    mail(sample, 2 * HOUR_MS, delivered, { unsubscribe: { method: 'one-click', group: null } }),
  'email.resubscribed': (sample) =>
    mail(
      sample,
      30 * HOUR_MS,
      { ...delivered, sequence: 5 },
      {
        unsubscribe: { method: 'preferences', group: null },
      },
    ),
  'email.overdue': (sample) =>
    mail(sample, 15 * MINUTE_MS, {
      sequence: 4,
      state: 'deferred',
      previous_state: 'deferred',
    }),
  'email.autoresponded': (sample) => mail(sample, 4_120, delivered),
  'email.received': ({ ago, aboutEventId }) => ({
    message: {
      id: null,
      smtp_id: '<CAF7h2n0yQ@mail.example.com>',
      provider_id: null,
      from: RECIPIENT,
      subject: 'Re: Your order 1001 is on its way',
      sent_at: ago(2_300),
    },
    recipient: 'support+1001@shop.example.com',
    recipient_inferred: false,
    tags: ['support'],
    metadata: {},
    inbound: {
      id: siblingOf(aboutEventId, 'received'),
      route_id: 'rte_01JZ8Q4N2M5X7V3C9B6H1D0K8T',
      plus_tag: '1001',
      envelope_from: RECIPIENT,
      from: { address: RECIPIENT, name: 'Jane Doe' },
      to: [{ address: 'support+1001@shop.example.com', name: 'Example Shop' }],
      cc: [],
      reply_to: [],
      in_reply_to: '<01jz8q4n2m5x7v3c9b6h1d0k8t@shop.example.com>',
      references: ['<01jz8q4n2m5x7v3c9b6h1d0k8t@shop.example.com>'],
      text: 'Thank you, it is here.\n\nOn Friday, Example Shop wrote:\n> Your order is on its way.\n',
      html: null,
      reply_text: 'Thank you, it is here.',
      truncated: [],
      headers: [{ name: 'Subject', value: 'Re: Your order 1001 is on its way' }],
      attachments: [
        {
          number: 1,
          filename: 'photo.jpg',
          content_type: 'image/jpeg',
          size_bytes: 182_044,
          content_id: null,
          inline: false,
          url: null,
        },
      ],
      authentication: {
        spf: { result: 'pass', domain: 'example.com' },
        dkim: {
          result: 'pass',
          signatures: [{ result: 'pass', domain: 'example.com', selector: 's1', aligned: true }],
        },
        dmarc: { result: 'pass', domain: 'example.com', policy: 'reject' },
        arc: { result: 'none', domain: null },
      },
      spam: { suspected: false, reasons: [] },
      automatic: null,
      size_bytes: 251_377,
      url: null,
      urls_expire_at: null,
    },
  }),
  'email.unknown': (sample) => ({
    provider: 'other',
    source: 'newsletter',
    provider_type: 'inbox_placed',
    provider_event_id: '7f9c2ba4',
    ...mail(sample, 2 * MINUTE_MS, delivered),
  }),
  'inbound.failed': ({ ago }) => ({
    provider: 'postmark',
    source: SOURCE_ID,
    provider_type: 'Bounce',
    provider_event_id: '4323372036854775807',
    message: {
      id: null,
      smtp_id: '<CAF7h2n0yQ@mail.example.com>',
      provider_id: '883953f4-6105-42a2-a16a-77a8eac79483',
      from: RECIPIENT,
      subject: 'Re: Your order 1001 is on its way',
      sent_at: ago(2_300),
    },
    recipient: 'support@shop.example.com',
    recipient_inferred: false,
    delivery: { response: 'The inbound webhook answered 500' },
    tags: [],
    metadata: {},
  }),
  'account.status_changed': () => ({
    provider: 'sendgrid',
    source: SOURCE_ID,
    provider_type: 'account_status_change',
    provider_event_id: 'MjEzNTg5OTcyOC10eXBlLTEyMzQ1Ng',
    account: { status: 'compliance_suspend', reason: null },
  }),
  'account.send_limit_approaching': ({ ago }) => ({
    send_limit: { ...LIMIT, used: 9_000, used_percent: 90, resets_at: ago(-7 * HOUR_MS) },
  }),
  'account.send_limit_exceeded': ({ ago }) => ({
    send_limit: { ...LIMIT, used: 10_000, used_percent: 100, resets_at: ago(-5 * HOUR_MS) },
  }),
  'domain.dns_error': ({ ago }) => ({
    domain: {
      ...DOMAIN,
      failing_since: ago(0),
      records: [
        ...DOMAIN.records,
        {
          ...DKIM_RECORD,
          status: 'missing',
          found: null,
          detail: 'There is no record at this name.',
        },
      ],
    },
  }),
  'domain.dns_recovered': ({ ago }) => ({
    domain: {
      ...DOMAIN,
      failing_since: ago(2 * HOUR_MS),
      records: [
        ...DOMAIN.records,
        { ...DKIM_RECORD, status: 'ok', found: DKIM_RECORD.expected, detail: null },
      ],
    },
  }),
  'suppression.added': ({ aboutEventId }) => ({
    recipient: RECIPIENT,
    suppression: {
      reason: 'hard_bounce',
      by: 'posthorn',
      stream: null,
      event_id: aboutEventId,
      expires_at: null,
      note: 'The mailbox does not exist',
    },
  }),
  'suppression.removed': () => ({
    recipient: RECIPIENT,
    suppression: {
      reason: 'manual',
      by: 'api',
      stream: null,
      event_id: null,
      expires_at: null,
      note: 'The customer corrected a mistake at the provider',
    },
  }),
  'endpoint.failing': ({ endpoint, ago }) => ({
    endpoint: {
      ...endpoint,
      failing_since: ago(60 * HOUR_MS),
      patience_used_percent: 50,
      reason: 'connection_refused: nothing listens at app.example.com:443',
    },
  }),
  'endpoint.recovered': ({ endpoint, ago }) => ({
    endpoint: {
      ...endpoint,
      failing_since: ago(61 * HOUR_MS),
      patience_used_percent: 50,
      reason: null,
    },
  }),
  'endpoint.disabled': ({ endpoint, ago }) => ({
    endpoint: {
      ...endpoint,
      failing_since: ago(120 * HOUR_MS),
      patience_used_percent: 100,
      reason: 'No post has succeeded for five days.',
    },
  }),
  'endpoint.backlog': ({ endpoint }) => ({
    endpoint,
    backlog: {
      depth: 1_204,
      at_least: false,
      oldest_age_seconds: 340,
      lag_seconds: 312,
      threshold: { depth: 1_000, lag_seconds: 300 },
    },
  }),
  'delivery.exhausted': ({ endpoint, aboutEventId, ago }) => ({
    exhausted: {
      event_id: aboutEventId,
      event_type: 'email.bounced',
      endpoint_id: endpoint.id,
      delivery_id: deliveryId(aboutEventId, endpoint.id),
      attempts: 10,
      first_attempt_at: ago(75 * HOUR_MS),
      last_error: {
        code: 'http_status',
        detail: 'The endpoint answered 503 Service Unavailable',
        status: 503,
      },
    },
  }),
  'source.stalled': ({ ago }) => ({
    source: SOURCE_ID,
    stalled: {
      source_id: SOURCE_ID,
      name: 'SendGrid, newsletter',
      last_event_at: ago(6 * HOUR_MS),
      silent_seconds: 21_600,
      expected_within_seconds: 3_600,
    },
  }),
  'source.recovered': ({ ago }) => ({
    source: SOURCE_ID,
    stalled: {
      source_id: SOURCE_ID,
      name: 'SendGrid, newsletter',
      last_event_at: ago(0),
      silent_seconds: 25_200,
      expected_within_seconds: 3_600,
    },
  }),
  'alert.fired': ({ ago }) => ({ alert: { ...ALERT, fired_at: ago(0) } }),
  'alert.resolved': ({ ago }) => ({
    alert: {
      ...ALERT,
      worst_value: 0.094,
      fired_at: ago(2 * HOUR_MS),
      resolved_at: ago(0),
      resolved_because: 'recovered',
    },
  }),
  'system.test': ({ endpoint }) => ({ endpoint }),
};
