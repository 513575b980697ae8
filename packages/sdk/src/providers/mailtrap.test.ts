import { createHmac } from 'node:crypto';
import { describeProvider } from './fixtures/describe-provider.ts';
import { mailtrap } from './mailtrap.ts';

const base = {
  sending_stream: 'transactional',
  category: 'Password reset',
  custom_variables: { variable_a: 'value', n: 2 },
  message_id: 'a8b1d8f6-1f8d-4a3c-9b2e-1a2b3c4d5e6f',
  email: 'receiver@Example.com',
  event_id: 'bede7236-2284-43d6-a953-1fdcafd0fdbc',
  timestamp: 1716070000,
};

const one = (event: string, more: object = {}) => ({ events: [{ ...base, event, ...more }] });

const bounce = (bounce_category: string, category: string) => ({
  when: `a bounce of category ${bounce_category}`,
  body: one('bounce', { bounce_category, response_code: 550 }),
  events: [{ 'bounce.type': 'hard', 'bounce.category': category }],
});

describeProvider(mailtrap, {
  cases: [
    {
      when: 'two events that share an id',
      body: {
        events: [
          { ...base, event: 'delivery' },
          { ...base, event: 'click', url: 'https://a.example', ip: '1.2.3.4', user_agent: 'Moz' },
        ],
      },
      events: [
        {
          type: 'email.delivered',
          timestamp: '2024-05-18T22:06:40Z',
          recipient: 'receiver@example.com',
          'message.stream': 'transactional',
          tags: ['Password reset'],
          metadata: { variable_a: 'value', n: 2 },
        },
        {
          type: 'email.clicked',
          engagement: { url: 'https://a.example', ip: '1.2.3.4', user_agent: 'Moz' },
        },
      ],
    },
    {
      when: 'JSON Lines',
      headers: { 'content-type': 'application/jsonlines' },
      body: `${JSON.stringify({ ...base, event: 'open' })}\n${JSON.stringify({ ...base, event: 'spam' })}\n`,
      events: [{ type: 'email.opened' }, { type: 'email.complained' }],
    },
    {
      when: 'a single event',
      body: { ...base, event: 'unsubscribe' },
      events: [{ type: 'email.unsubscribed' }],
    },
    {
      when: 'a soft bounce',
      body: one('soft bounce', {
        bounce_category: 'greylisting',
        response_code: 451,
        response: '4.7.1 retry',
      }),
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'soft',
          'bounce.category': 'greylisted',
          'delivery.smtp_code': 451,
        },
      ],
    },
    {
      when: 'a soft bounce as its other page writes it',
      body: one('soft_bounce'),
      events: [{ type: 'email.bounced', provider_type: 'soft_bounce', 'bounce.type': 'soft' }],
    },
    bounce('badrecipient', 'invalid_address'),
    bounce('overquota', 'mailbox_full'),
    bounce('spam', 'spam_content'),
    bounce('content', 'content_rejected'),
    bounce('block', 'blocked'),
    bounce('dnsFail', 'dns_failure'),
    bounce('relayfail', 'relay_denied'),
    bounce('serverpolicy', 'policy'),
    bounce('timeout', 'timeout'),
    bounce('badsender', 'policy'),
    bounce('generalfail', 'other'),
    {
      when: 'a rejection',
      body: one('reject', { reason: 'Recipient in suppression list. Reason: unsubscription' }),
      events: [{ type: 'email.rejected', 'reject.reason': 'unsubscribed' }],
    },
    {
      when: 'a suspension',
      body: one('suspension', { reason: 'daily limit' }),
      events: [{ type: 'email.rejected', 'reject.reason': 'account_suspended' }],
    },
    {
      when: 'inbound mail, of which only the id comes',
      body: {
        events: [
          {
            event: 'inbound.message_received',
            event_id: 'e',
            timestamp: 1716070000123,
            inbox_id: 3,
            message_id: 'm',
          },
        ],
      },
      events: [
        {
          type: 'email.received',
          timestamp: '2024-05-18T22:06:40.123Z',
          'message.provider_id': 'm',
          recipient: null,
        },
      ],
    },
    { when: 'a type of tomorrow', body: one('teleport'), events: [{ type: 'email.unknown' }] },
  ],
  signing: {
    body: JSON.stringify(one('delivery')),
    secret: '8d9a3c0e7f5b2d4a6c1e9f8b3a7d5c2e',
    otherSecret: 'another',
    nowMs: 0,
    coversBody: true,
    signatureHeaders: ['Mailtrap-Signature'],
    sign: (body) => ({
      headers: {
        'Mailtrap-Signature': createHmac('sha256', '8d9a3c0e7f5b2d4a6c1e9f8b3a7d5c2e')
          .update(body)
          .digest('hex'),
      },
    }),
  },
});
