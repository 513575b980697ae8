import { createHmac } from 'node:crypto';
import { describeProvider } from './fixtures/describe-provider.ts';
import { frontengine } from './frontengine.ts';

const message = {
  id: 12345,
  token: 'abc123def456',
  to: 'jane@Example.com',
  from: 'shop@example.com',
  subject: 'Order Confirmation',
};

const sent = {
  event: 'MessageSent',
  payload: {
    status: 'sent',
    details: 'Message accepted by remote server',
    output: '250 OK',
    time: 1.23,
    sent_with_ssl: true,
    timestamp: 1711806600,
    message: {
      ...message,
      direction: 'outgoing',
      message_id: '<m@example.com>',
      timestamp: 1711806590,
      spam_status: 'NotSpam',
      tag: 'order-confirmation',
    },
  },
};

describeProvider(frontengine, {
  cases: [
    {
      when: 'a delivery, with times as whole seconds',
      body: sent,
      events: [
        {
          type: 'email.delivered',
          provider: 'frontengine',
          timestamp: '2024-03-30T13:50:00Z',
          recipient: 'jane@example.com',
          'message.smtp_id': '<m@example.com>',
          'message.sent_at': '2024-03-30T13:49:50Z',
          delivery: { smtp_code: 250, response: '250 OK', tls: true, latency_ms: 1230 },
          tags: ['order-confirmation'],
        },
      ],
    },
    {
      when: 'a delay',
      body: { event: 'MessageDelayed', payload: { ...sent.payload, output: '451 try again' } },
      events: [{ type: 'email.deferred' }],
    },
    {
      when: 'a failure',
      body: {
        event: 'MessageDeliveryFailed',
        payload: { ...sent.payload, output: '550 5.1.1 unknown' },
      },
      events: [{ type: 'email.bounced', 'bounce.type': 'hard' }],
    },
    {
      when: 'a held message',
      body: {
        event: 'MessageHeld',
        payload: { ...sent.payload, output: '', details: 'Held for review' },
      },
      events: [{ type: 'email.held' }],
    },
    {
      when: 'a bounce, which says no time',
      body: {
        event: 'MessageBounced',
        payload: { original_message: message, bounce: { id: 67890, to: 'rp@x.example' } },
      },
      events: [
        {
          type: 'email.bounced',
          timestamp: null,
          recipient: 'jane@example.com',
          'bounce.async': true,
        },
      ],
    },
    {
      when: 'a click',
      body: {
        event: 'MessageLinkClicked',
        payload: {
          url: 'https://example.com/track-order/12345',
          token: 'abc123def456',
          ip_address: '198.51.100.42',
          user_agent: 'Moz',
          message,
        },
      },
      events: [
        { type: 'email.clicked', 'engagement.url': 'https://example.com/track-order/12345' },
      ],
    },
    {
      when: 'a limit that is near',
      body: { event: 'SendLimitApproaching', payload: { server: {}, volume: 9000, limit: 10000 } },
      events: [{ type: 'account.send_limit_approaching', 'send_limit.used_percent': 90 }],
    },
    {
      when: 'an error in the DNS, with the time as a date',
      body: {
        event: 'DomainDNSError',
        payload: {
          domain: 'example.com',
          dns_checked_at: '2026-03-30T14:00:00Z',
          spf_status: 'OK',
          dkim_status: 'Missing',
          mx_status: 'OK',
          return_path_status: 'OK',
        },
      },
      events: [{ type: 'domain.dns_error', timestamp: '2026-03-30T14:00:00Z' }],
    },
    {
      when: 'its test button',
      body: { event: 'Test', payload: {} },
      events: [{ type: 'system.test' }],
    },
  ],
  signing: {
    body: JSON.stringify(sent),
    secret: 'frontengine secret',
    otherSecret: 'another',
    nowMs: 0,
    coversBody: true,
    signatureHeaders: ['X-Webhook-Signature'],
    sign: (body) => ({
      headers: {
        'X-Webhook-Signature': `sha256=${createHmac('sha256', 'frontengine secret').update(body).digest('hex')}`,
      },
    }),
  },
});
