import { createHmac } from 'node:crypto';
import { describeProvider } from './fixtures/describe-provider.ts';
import { mailfloss } from './mailfloss.ts';

const event = (event_type: string, more: object = {}) => ({
  event_id: 'evt_123456789',
  event_type,
  timestamp: '2026-03-09T14:30:00Z',
  message_id: 'msg_987654321',
  recipient: 'user@Example.com',
  ...more,
});

describeProvider(mailfloss, {
  cases: [
    {
      when: 'the bounce of its guide',
      body: event('email.bounced', {
        bounce_type: 'hard',
        bounce_reason: 'Invalid recipient address',
        metadata: { campaign_id: 'camp_555', user_id: '12345' },
      }),
      events: [
        {
          type: 'email.bounced',
          timestamp: '2026-03-09T14:30:00Z',
          provider_event_id: 'evt_123456789',
          recipient: 'user@example.com',
          bounce: {
            type: 'hard',
            category: 'invalid_address',
            scope: 'recipient',
            description: 'Invalid recipient address',
          },
          metadata: { campaign_id: 'camp_555', user_id: '12345' },
        },
      ],
    },
    {
      when: 'the click of its guide',
      body: event('email.clicked', {
        url: 'https://yoursite.com/special-offer',
        user_agent: 'Mozilla/5.0...',
        ip_address: '192.168.1.1',
      }),
      events: [
        {
          type: 'email.clicked',
          engagement: {
            url: 'https://yoursite.com/special-offer',
            ip: '192.168.1.1',
            user_agent: 'Mozilla/5.0...',
          },
        },
      ],
    },
    {
      when: 'the names of its handlers',
      body: {
        type: 'email.bounced',
        email: 'a@b.example',
        bounce_type: 'soft',
        reason: 'Mailbox full',
      },
      events: [
        {
          type: 'email.bounced',
          recipient: 'a@b.example',
          'bounce.type': 'soft',
          'bounce.category': 'mailbox_full',
          timestamp: null,
        },
      ],
    },
    {
      when: 'the types of its table',
      body: [
        'delivered',
        'opened',
        'unsubscribed',
        'complained',
        'email.delivered',
        'email.teleported',
      ].map((name) => event(name)),
      events: [
        { type: 'email.delivered' },
        { type: 'email.opened' },
        { type: 'email.unsubscribed' },
        { type: 'email.complained' },
        { type: 'email.delivered' },
        { type: 'email.unknown' },
      ],
    },
    {
      when: 'inbound mail',
      body: event('email.received', { sender: 'jane@example.com', subject: 'Hi', body: 'text' }),
      events: [
        {
          type: 'email.received',
          recipient: 'user@example.com',
          'message.from': 'jane@example.com',
        },
      ],
    },
  ],
  signing: {
    body: JSON.stringify(event('email.delivered')),
    secret: 'mailfloss secret',
    otherSecret: 'another',
    nowMs: 0,
    coversBody: true,
    signatureHeaders: ['x-webhook-signature'],
    sign: (body) => ({
      headers: {
        'x-webhook-signature': createHmac('sha256', 'mailfloss secret').update(body).digest('hex'),
      },
    }),
  },
});
