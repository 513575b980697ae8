import { createHmac } from 'node:crypto';
import { describeProvider } from './fixtures/describe-provider.ts';
import { mailersend } from './mailersend.ts';

const first = (type: string, morph: object | null = null) => ({
  type: `activity.${type}`,
  domain_id: '7z3m5jgrogdpyo6n',
  created_at: '2024-01-01T12:00:00.000000Z',
  webhook_id: 'w',
  data: {
    object: 'activity',
    id: '62f114f8165fe0d8db0288e5',
    type,
    created_at: '2024-01-01T12:00:00.123456Z',
    email: {
      object: 'email',
      id: '62f114f7165fe0d8db0288e2',
      created_at: '2024-01-01T11:59:58.000000Z',
      from: 'test@mailersend.com',
      subject: 'Test subject',
      tags: ['test-tag'],
      headers: null,
      message: { object: 'message', id: '62fb66bef54a112e920b5493' },
      recipient: { object: 'recipient', email: 'test@Example.com' },
    },
    morph,
  },
});

const second = (type: string, meta: object | [] = []) => ({
  type: `activity.${type}`,
  created_at: '2025-06-01T12:00:00.000000Z',
  data: {
    object: 'activity',
    id: 'a1',
    type,
    message_id: 'm1',
    recipient: 'test@example.com',
    subject: 'Hi',
    tags: null,
    meta,
  },
});

const SECRET = 'GvLY88Uyj70jQm3fUwYyWmAaiz98wWim';

describeProvider(mailersend, {
  cases: [
    {
      when: 'a sending',
      body: first('sent'),
      events: [
        {
          type: 'email.sent',
          timestamp: '2024-01-01T12:00:00.123456Z',
          provider_type: 'activity.sent',
          provider_event_id: '62f114f8165fe0d8db0288e5',
          recipient: 'test@example.com',
          'message.provider_id': '62fb66bef54a112e920b5493',
          'message.from': 'test@mailersend.com',
          tags: ['test-tag'],
        },
      ],
    },
    { when: 'a delivery', body: first('delivered'), events: [{ type: 'email.delivered' }] },
    {
      when: 'a soft bounce',
      body: first('soft_bounced', { object: 'recipient_bounce', reason: 'Mailbox is full' }),
      events: [{ type: 'email.bounced', 'bounce.type': 'soft', 'bounce.category': 'mailbox_full' }],
    },
    {
      when: 'a hard bounce',
      body: first('hard_bounced', {
        object: 'recipient_bounce',
        reason: 'Host or domain name not found',
      }),
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'hard',
          'bounce.category': 'invalid_domain',
          'bounce.scope': 'domain',
          'bounce.description': 'Host or domain name not found',
        },
      ],
    },
    {
      when: 'the first open',
      body: first('opened_unique', { object: 'open', ip: '127.0.0.1' }),
      events: [{ type: 'email.opened', engagement: { ip: '127.0.0.1', first: true } }],
    },
    {
      when: 'an open',
      body: first('opened', { object: 'open', ip: '127.0.0.1' }),
      events: [{ 'engagement.first': undefined }],
    },
    {
      when: 'a click',
      body: first('clicked', { object: 'click', ip: '127.0.0.1', url: 'https://a.example' }),
      events: [
        { type: 'email.clicked', engagement: { url: 'https://a.example', ip: '127.0.0.1' } },
      ],
    },
    {
      when: 'an unsubscribe',
      body: first('unsubscribed', { object: 'recipient_unsubscribe', reason: 'NO_LONGER_WANT' }),
      events: [{ type: 'email.unsubscribed' }],
    },
    {
      when: 'a complaint',
      body: first('spam_complaint', { object: 'spam_complaint' }),
      events: [{ type: 'email.complained' }],
    },
    {
      when: 'a bounce of the second shape',
      body: second('hard_bounced', { bounce_reason: 'No such user', bounce_code: '5.1.1' }),
      events: [
        {
          type: 'email.bounced',
          recipient: 'test@example.com',
          'message.provider_id': 'm1',
          'bounce.category': 'invalid_address',
          'delivery.enhanced_code': '5.1.1',
          tags: [],
        },
      ],
    },
    {
      when: 'a click of the second shape',
      body: second('clicked', { url: 'https://a.example', ip: '1.2.3.4', user_agent: 'Moz' }),
      events: [
        {
          type: 'email.clicked',
          engagement: { url: 'https://a.example', ip: '1.2.3.4', user_agent: 'Moz' },
        },
      ],
    },
    { when: 'a deferral', body: second('deferred'), events: [{ type: 'email.deferred' }] },
    {
      when: 'a suppressed recipient',
      body: second('suppressed', { suppression_reason: 'Hard bounced before' }),
      events: [{ type: 'email.rejected', 'reject.reason': 'suppressed' }],
    },
    {
      when: 'a complaint of the second shape',
      body: second('spam_complaints'),
      events: [{ type: 'email.complained' }],
    },
    {
      when: 'surveys and other news',
      body: first('survey_opened'),
      events: [{ type: 'email.unknown' }],
    },
    {
      when: 'news about a sender',
      body: { type: 'sender_identity.verified', data: { id: 'x' } },
      events: [{ type: 'email.unknown', recipient: null }],
    },
    {
      when: 'the test of a webhook',
      body: { type: 'webhook.test', created_at: '2024-01-01T12:00:00Z' },
      events: [{ type: 'system.test' }],
    },
    {
      when: 'inbound mail',
      body: {
        type: 'inbound.message',
        created_at: '2023-03-04T02:22:16.417935Z',
        data: {
          object: 'message',
          id: '6402ab57f79d39d7e10f2523',
          recipients: {
            rcptTo: [{ email: 'envelope@example.com' }],
            to: { raw: 'R <to@example.com>' },
          },
          from: { email: 'sender@example.org', raw: 'S <sender@example.org>' },
          subject: 'Testing',
          date: 'Fri, 3 Mar 2023 18:22:03 -0800',
          headers: { 'Message-ID': '<AzjSdS@mail.example.org>', Received: ['a', 'b'] },
          raw: 'From: ...',
          created_at: '2023-03-04T02:22:15.525000Z',
        },
      },
      events: [
        {
          type: 'email.received',
          recipient: 'envelope@example.com',
          timestamp: '2023-03-04T02:22:15.525000Z',
          'message.smtp_id': '<AzjSdS@mail.example.org>',
          'message.sent_at': '2023-03-04T02:22:03Z',
        },
      ],
    },
  ],
  signing: {
    body: JSON.stringify(first('sent'), null, 4),
    secret: SECRET,
    otherSecret: 'another',
    nowMs: 0,
    coversBody: true,
    signatureHeaders: ['Signature'],
    sign: (body) => ({
      headers: { Signature: createHmac('sha256', SECRET).update(body).digest('hex') },
    }),
  },
});
