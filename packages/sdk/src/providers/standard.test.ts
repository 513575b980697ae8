import { signStandardWebhook } from '../standard-webhooks/standard-webhooks.ts';
import { decodeSecret } from '../standard-webhooks/standard-webhooks-keys.ts';
import { describeProvider } from './fixtures/describe-provider.ts';
import { standard } from './standard.ts';

const own = {
  id: 'evt_01M7ZP27YYSGFWD5FYXB75Q5B6',
  type: 'email.bounced',
  timestamp: '2026-11-21T18:31:57.662Z',
  data: {
    provider: 'posthorn',
    source: null,
    received_at: '2026-11-21T18:31:57.662Z',
    message: {
      id: 'msg_01M7ZP27T2KJBPHH20WF4KZFDV',
      smtp_id: '<a@b.example>',
      provider_id: null,
      from: 'o@shop.example',
      subject: 'Hi',
      stream: 'transactional',
      sent_at: null,
    },
    recipient: 'bounce@sandbox.test',
    recipient_inferred: false,
    delivery: {
      attempt: 1,
      smtp_code: 550,
      enhanced_code: '5.1.1',
      response: '550',
      mx: 'mx',
      remote_ip: '127.0.0.1',
      tls: false,
      latency_ms: 113,
      error_code: 'smtp_reply',
      next_attempt_at: null,
    },
    bounce: {
      type: 'hard',
      category: 'invalid_address',
      scope: 'recipient',
      description: 'x',
      async: false,
      from_dsn: false,
      suppressed: false,
    },
    tags: ['a'],
    metadata: { k: [1, { deep: true }] },
    sequence: 3,
    state: 'bounced',
    previous_state: 'sent',
  },
};

/** As long as an event may be. */
const LONG = 'x'.repeat(19_000);

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

describeProvider(standard, {
  cases: [
    {
      when: 'an event of a Posthorn as it was',
      body: own,
      events: [{ id: own.id, type: own.type, timestamp: own.timestamp, ...own.data, raw: own }],
    },
    {
      when: 'a batch',
      body: [
        own,
        { ...own, type: 'system.test', data: { endpoint: { id: 'ep_1', url: 'https://x' } } },
      ],
      events: [
        { type: 'email.bounced' },
        { type: 'system.test', endpoint: { id: 'ep_1', url: 'https://x' } },
      ],
    },
    {
      when: 'opens that went as one',
      body: {
        ...own,
        type: 'email.opened',
        data: {
          ...own.data,
          coalesced: {
            count: 2,
            last_at: '2026-11-21T18:32:00.000Z',
            event_ids: [own.id, 'evt_2'],
          },
        },
      },
      events: [
        {
          type: 'email.opened',
          coalesced: {
            count: 2,
            last_at: '2026-11-21T18:32:00.000Z',
            event_ids: [own.id, 'evt_2'],
          },
        },
      ],
    },
    {
      when: 'a mail that came in, its text whole',
      body: { ...own, type: 'email.received', data: { inbound: { id: 'rcv_1', text: LONG } } },
      events: [{ type: 'email.received', 'inbound.text': LONG }],
    },
    {
      when: 'more than an event may hold, cut off',
      body: {
        ...own,
        data: { message: { subject: LONG }, inbound: { id: 'rcv_1', text: `"${LONG}` } },
      },
      events: [{ 'message.subject': LONG, 'inbound.id': 'rcv_1' }],
    },
    {
      when: 'fields that an event does not have',
      body: {
        ...own,
        data: {
          ...own.data,
          bounce: { ...own.data.bounce, evil: 1 },
          tags: ['a', 1],
          unheard_of: 1,
          recipient: 7,
        },
      },
      events: [
        { bounce: own.data.bounce, tags: ['a'], recipient: undefined, unheard_of: undefined },
      ],
    },
    {
      when: 'an event of somebody else',
      headers: { 'webhook-id': 'msg_1' },
      body: {
        type: 'email.delivered',
        timestamp: '2024-01-01T00:00:00Z',
        data: {
          email_id: 'e1',
          to: ['A@Example.com', 'b@example.com'],
          from: 'x@y.example',
          subject: 'Hi',
          tags: ['t'],
        },
      },
      events: [
        {
          type: 'email.delivered',
          provider: 'standard',
          provider_event_id: 'msg_1',
          recipient: 'A@example.com',
          'message.provider_id': 'e1',
          tags: ['t'],
        },
        { recipient: 'b@example.com' },
      ],
    },
    {
      when: 'a type that nobody knows',
      body: { type: 'invoice.paid', timestamp: '2024-01-01T00:00:00Z', data: {} },
      events: [{ type: 'email.unknown', provider_type: 'invoice.paid' }],
    },
  ],
  signing: {
    body: JSON.stringify(own),
    secret: SECRET,
    otherSecret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
    nowMs: 1_614_265_330_000,
    tooOldMs: 301_000,
    coversBody: true,
    signatureHeaders: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
    sign: (body) => ({
      headers: {
        'webhook-id': own.id,
        'webhook-timestamp': '1614265330',
        'webhook-signature': signStandardWebhook({
          key: decodeSecret(SECRET),
          id: own.id,
          timestamp: 1_614_265_330,
          body,
        }),
      },
    }),
  },
});
