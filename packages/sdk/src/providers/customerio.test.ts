import { createHmac } from 'node:crypto';
import { customerio } from './customerio.ts';
import { describeProvider } from './fixtures/describe-provider.ts';

const event = (metric: string, more: object = {}, object_type = 'email') => ({
  event_id: '01E4C4CT6YDC7Y5M7FE1GWWPQJ',
  object_type,
  metric,
  timestamp: 1613063089,
  data: {
    customer_id: '42',
    delivery_id: 'RPILAgABcRhIBqSWQ0ogBbGXnAE=',
    campaign_id: 23,
    action_id: 38,
    identifiers: { id: '42', email: 'test@example.com', cio_id: 'd9c106000001' },
    recipient: 'Test@Example.com',
    subject: 'hello',
    ...more,
  },
});

describeProvider(customerio, {
  cases: [
    {
      when: 'a sending',
      body: event('sent'),
      events: [
        {
          type: 'email.sent',
          timestamp: '2021-02-11T17:04:49Z',
          provider_event_id: '01E4C4CT6YDC7Y5M7FE1GWWPQJ',
          recipient: 'Test@example.com',
          'message.provider_id': 'RPILAgABcRhIBqSWQ0ogBbGXnAE=',
          'message.subject': 'hello',
          metadata: { customer_id: '42', campaign_id: 23, action_id: 38 },
        },
      ],
    },
    { when: 'a draft', body: event('drafted'), events: [{ type: 'email.accepted' }] },
    {
      when: 'an attempt',
      body: event('attempted', { failure_message: 'try later' }),
      events: [{ type: 'email.deferred', 'delivery.response': 'try later' }],
    },
    { when: 'a delivery', body: event('delivered'), events: [{ type: 'email.delivered' }] },
    {
      when: 'an open that was prefetched',
      body: event('opened', { proxied: true, prefetched: true }),
      events: [
        { type: 'email.opened', engagement: { machine: true, machine_reason: 'prefetched' } },
      ],
    },
    {
      when: 'an open by a person behind a proxy',
      body: event('opened', { proxied: true, prefetched: false }),
      events: [{ engagement: { machine: false } }],
    },
    {
      when: 'a click',
      body: event('clicked', { href: 'https://a.example', link_id: 1, machine: false }),
      events: [
        { type: 'email.clicked', 'engagement.url': 'https://a.example', 'engagement.link_id': '1' },
      ],
    },
    {
      when: 'a bounce',
      body: event('bounced', { failure_message: '550 5.1.1 User unknown' }),
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'hard',
          'bounce.category': 'invalid_address',
          'delivery.smtp_code': 550,
        },
      ],
    },
    {
      when: 'a drop',
      body: event('dropped', { failure_message: 'Bounced Address' }),
      events: [{ type: 'email.rejected', 'reject.reason': 'suppressed' }],
    },
    {
      when: 'what cannot be delivered',
      body: event('undeliverable', { reason: 'suppressed' }),
      events: [{ type: 'email.rejected', 'reject.reason': 'suppressed' }],
    },
    {
      when: 'a failure',
      body: event('failed', { failure_message: 'liquid error' }),
      events: [{ type: 'email.failed', 'delivery.response': 'liquid error' }],
    },
    { when: 'a complaint', body: event('spammed'), events: [{ type: 'email.complained' }] },
    {
      when: 'an unsubscribe by the mail',
      body: event('unsubscribed'),
      events: [{ type: 'email.unsubscribed' }],
    },
    {
      when: 'a conversion',
      body: event('converted'),
      events: [{ type: 'email.unknown', provider_type: 'converted' }],
    },
    {
      when: 'choices of a customer',
      body: [
        event('subscribed', { recipient: undefined, email_address: 'a@b.example' }, 'customer'),
        event('unsubscribed', {}, 'customer'),
      ],
      events: [
        { type: 'email.resubscribed', recipient: 'a@b.example' },
        { type: 'email.unsubscribed' },
      ],
    },
    {
      when: 'other channels',
      body: event('sent', {}, 'push'),
      events: [{ type: 'email.unknown' }],
    },
    {
      when: 'older names',
      body: {
        ...event('x'),
        metric: undefined,
        object_type: undefined,
        event_type: 'email_bounced',
      },
      events: [{ type: 'email.bounced', provider_type: 'email_bounced' }],
    },
  ],
  signing: {
    body: JSON.stringify(event('sent')),
    secret: 'cio-key',
    otherSecret: 'another',
    nowMs: 1_613_063_089_000,
    tooOldMs: 9 * 24 * 3_600_000,
    coversBody: true,
    signatureHeaders: ['X-CIO-Signature', 'X-CIO-Timestamp'],
    sign: (body) => ({
      headers: {
        'X-CIO-Signature': createHmac('sha256', 'cio-key')
          .update('v0:1613063089:')
          .update(body)
          .digest('hex'),
        'X-CIO-Timestamp': '1613063089',
      },
    }),
  },
});
