import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { describeProvider, requestOf } from './fixtures/describe-provider.ts';
import { sendarix } from './sendarix.ts';

const event = (event_type: string, data: object = {}) => ({
  event_id: 'evt_8f3k2j1h9g6d',
  event_type,
  timestamp: '2026-04-19T14:32:01Z',
  message_id: 'msg_abc123xyz',
  recipient: 'user@Example.com',
  data,
});

const sign = (body: Uint8Array) =>
  createHmac('sha256', 'sendarix secret').update(body).digest('hex');

describeProvider(sendarix, {
  cases: [
    {
      when: 'a delivery',
      body: event('delivered', {
        smtp_response: '250 OK',
        server: 'mail-sor-iad.example.com',
        delivery_latency_ms: 312,
      }),
      events: [
        {
          type: 'email.delivered',
          timestamp: '2026-04-19T14:32:01Z',
          provider_event_id: 'evt_8f3k2j1h9g6d',
          recipient: 'user@example.com',
          'message.provider_id': 'msg_abc123xyz',
          delivery: {
            smtp_code: 250,
            response: '250 OK',
            mx: 'mail-sor-iad.example.com',
            latency_ms: 312,
          },
        },
      ],
    },
    {
      when: 'a bounce',
      body: event('bounce', {
        bounce_type: 'hard',
        bounce_category: 'invalid_email',
        smtp_code: 550,
        smtp_message: 'No such user',
        was_automatic: true,
      }),
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'hard',
          'bounce.category': 'invalid_address',
          'delivery.smtp_code': 550,
          'raw.data.was_automatic': true,
        },
      ],
    },
    {
      when: 'a bounce that does not say its kind',
      body: event('bounce'),
      events: [{ 'bounce.type': 'hard', 'raw.bounce_type': undefined }],
    },
    {
      when: 'a soft bounce',
      body: event('soft_bounce', { bounce_category: 'mailbox_full', smtp_code: 452 }),
      events: [{ type: 'email.bounced', 'bounce.type': 'soft', 'bounce.category': 'mailbox_full' }],
    },
    {
      when: 'a complaint with two words',
      body: event('complaint', {
        complaint_type: 'abuse',
        feedback_type: 'auth-failure',
        user_agent: 'Reporter',
      }),
      events: [
        {
          type: 'email.complained',
          complaint: { type: 'abuse', feedback_id: null, user_agent: 'Reporter' },
        },
      ],
    },
    {
      when: 'an open',
      body: event('open', {
        ip: '203.0.113.42',
        user_agent: 'Moz',
        os: 'Windows 10',
        client: 'Chrome 124.0',
      }),
      events: [
        {
          type: 'email.opened',
          'engagement.client': { name: 'Chrome 124.0', os: 'Windows 10', device: null },
        },
      ],
    },
    {
      when: 'a click',
      body: event('click', { link_id: 'lnk_abc123', url: 'https://a.example', ip: '203.0.113.42' }),
      events: [
        {
          type: 'email.clicked',
          engagement: { url: 'https://a.example', link_id: 'lnk_abc123', ip: '203.0.113.42' },
        },
      ],
    },
    {
      when: 'the other types',
      body: [event('accepted'), event('unsubscribe'), event('deferred'), event('teleported')],
      events: [
        { type: 'email.accepted' },
        { type: 'email.unsubscribed' },
        { type: 'email.deferred' },
        { type: 'email.unknown' },
      ],
    },
    {
      when: 'the simplified form',
      body: {
        event: 'delivered',
        message_id: 'abc123',
        recipient: 'user@example.com',
        timestamp: 1710000000,
      },
      events: [
        {
          type: 'email.delivered',
          timestamp: '2024-03-09T16:00:00Z',
          'message.provider_id': 'abc123',
        },
      ],
    },
  ],
  signing: {
    body: JSON.stringify(event('delivered')),
    secret: 'sendarix secret',
    otherSecret: 'another',
    nowMs: 1_710_000_000_000,
    coversBody: true,
    tooOldMs: 301_000,
    signatureHeaders: ['X-Sendarix-Signature'],
    sign: (body) => ({
      headers: { 'X-Sendarix-Signature': sign(body), 'X-Sendarix-Timestamp': '1710000000' },
    }),
  },
});

test('its time stands beside the signature, so a request without it is none the worse', async () => {
  const body = Buffer.from('{}');
  const request = requestOf({ body, headers: { 'x-sendarix-signature': sign(body) } });
  assert.equal(
    (await sendarix.verify(request, { secrets: ['sendarix secret'], nowMs: 0 })).covers,
    'body',
  );
});
