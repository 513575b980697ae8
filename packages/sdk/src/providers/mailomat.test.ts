import { createHmac } from 'node:crypto';
import { describeProvider } from './fixtures/describe-provider.ts';
import { mailomat } from './mailomat.ts';

const event = (eventType: string, more: object = {}) => ({
  id: '29e785c1-dd0c-4efc-9d41-909d4109769f',
  eventType,
  occurredAt: '2024-06-10T09:23:31+02:00',
  messageUuid: '1684f904-596e-4d9f-ba16-ead5c4d27957',
  messageId: '7bb4cd3f@s.mailomat.swiss',
  recipient: 'to@Mailomat.swiss',
  payload: {
    event: eventType,
    message: {
      headers: {
        from: 'from@mailomat.swiss',
        'message-id': '<7bb4cd3f@s.mailomat.swiss>',
        subject: 'subject line',
      },
    },
    ...more,
  },
});

const status = (code: number, enhanced: string, message: string) => ({
  'delivery-status': {
    'attempt-nr': 1,
    code,
    'enhanced-code': enhanced,
    message,
    duration: 0.757,
    remote: { ip: '127.0.0.1', mx: 'mx.example.com', tls: { started: true } },
  },
});

describeProvider(mailomat, {
  cases: [
    {
      when: 'an acceptance',
      body: event('accepted'),
      events: [
        {
          type: 'email.accepted',
          timestamp: '2024-06-10T07:23:31Z',
          recipient: 'to@mailomat.swiss',
          'message.smtp_id': '<7bb4cd3f@s.mailomat.swiss>',
          'message.subject': 'subject line',
        },
      ],
    },
    {
      when: 'a refusal at the door',
      body: event('not_accepted', { reason: 'Not enough remaining emails (limit 100)' }),
      events: [{ type: 'email.rejected', 'reject.reason': 'account_suspended' }],
    },
    {
      when: 'a delivery',
      body: event('delivered', status(250, '2.0.0', '2.0.0 OK')),
      events: [
        {
          type: 'email.delivered',
          delivery: {
            attempt: 1,
            smtp_code: 250,
            enhanced_code: '2.0.0',
            response: '2.0.0 OK',
            mx: 'mx.example.com',
            remote_ip: '127.0.0.1',
            tls: true,
            latency_ms: 757,
          },
        },
      ],
    },
    {
      when: 'a temporary failure',
      body: event('failure_tmp', status(451, '4.7.1', 'greylisted')),
      events: [{ type: 'email.deferred', 'delivery.error_code': 'greylisted' }],
    },
    {
      when: 'a permanent failure',
      body: event('failure_perm', status(550, '5.1.1', 'recipient rejected')),
      events: [
        { type: 'email.bounced', 'bounce.type': 'hard', 'bounce.category': 'invalid_address' },
      ],
    },
    {
      when: 'an open and its client',
      body: event('opened', { client: { ip: '127.0.0.1', 'user-agent': 'Mozilla/5.0' } }),
      events: [
        { type: 'email.opened', engagement: { ip: '127.0.0.1', user_agent: 'Mozilla/5.0' } },
      ],
    },
    {
      when: 'a click',
      body: event('clicked', { url: 'http://mailomat.swiss', client: {} }),
      events: [{ type: 'email.clicked', 'engagement.url': 'http://mailomat.swiss' }],
    },
    { when: 'a type of tomorrow', body: event('teleported'), events: [{ type: 'email.unknown' }] },
  ],
  signing: {
    body: JSON.stringify(event('delivered')),
    secret: 'mailomat secret',
    otherSecret: 'another',
    nowMs: 1_718_004_211_000,
    tooOldMs: 25 * 3_600_000,
    coversBody: false,
    signatureHeaders: [
      'X-MOM-Webhook-ID',
      'X-MOM-Webhook-Event',
      'X-MOM-Webhook-Timestamp',
      'X-MOM-Webhook-Signature',
    ],
    sign: () => ({
      headers: {
        'X-MOM-Webhook-ID': 'w1',
        'X-MOM-Webhook-Event': 'delivered',
        'X-MOM-Webhook-Timestamp': '1718004211',
        'X-MOM-Webhook-Signature': `sha256=${createHmac('sha256', 'mailomat secret').update('w1.delivered.1718004211').digest('hex')}`,
      },
    }),
  },
});
