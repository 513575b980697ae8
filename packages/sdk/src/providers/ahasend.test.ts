import { createHmac } from 'node:crypto';
import { ahasend } from './ahasend.ts';
import { describeProvider } from './fixtures/describe-provider.ts';

const data = {
  account_id: '4cdd7bdd-294e-4762-892f-83d40abf5a87',
  from: 'sender@example.com',
  recipient: 'recipient@Example.com',
  subject: 'Welcome',
  message_id_header: '<message-id-12345@localhost>',
  id: '407926766d2711f09b30960002cafe7c',
};

const event = (type: string, more: object = {}) => ({
  type,
  webhook_id: 'abe11757-2886-4b55-96f1-0e0afc95795a',
  timestamp: '2024-05-06T09:49:16.687031577Z',
  data: { ...data, ...more },
});

const attempt = (
  classification: string | null,
  smtp_code: number,
  enhanced_status_code: string,
  response: string,
) => ({
  delivery_attempt: {
    ...(classification ? { classification } : {}),
    smtp_code,
    enhanced_status_code,
    response,
    command: 'RCPT TO',
  },
});

const SECRET = 'aha-whsec-not/base64+at all';
const TIMESTAMP = '1730057863';

describeProvider(ahasend, {
  cases: [
    {
      when: 'a reception, with the time to the nanosecond',
      headers: { 'Webhook-Id': 'wh_1' },
      body: event('message.reception'),
      events: [
        {
          type: 'email.accepted',
          timestamp: '2024-05-06T09:49:16.687031577Z',
          provider_event_id: 'wh_1',
          recipient: 'recipient@example.com',
          'message.smtp_id': '<message-id-12345@localhost>',
          'message.provider_id': '407926766d2711f09b30960002cafe7c',
        },
      ],
    },
    {
      when: 'a delivery',
      body: event('message.delivered', attempt(null, 250, '2.0.0', 'OK: queued')),
      events: [
        {
          type: 'email.delivered',
          delivery: { smtp_code: 250, enhanced_code: '2.0.0', response: 'OK: queued' },
        },
      ],
    },
    {
      when: 'a transient error',
      body: event('message.transient_error', attempt('QuotaIssues', 452, '4.2.2', 'out of space')),
      events: [{ type: 'email.deferred', 'delivery.error_code': 'mailbox_full' }],
    },
    {
      when: 'a failure after all tries',
      body: event('message.failed'),
      events: [{ type: 'email.failed', delivery: undefined }],
    },
    {
      when: 'a bounce',
      body: event('message.bounced', attempt('InvalidRecipient', 550, '5.1.1', 'no such account')),
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'hard',
          'bounce.category': 'invalid_address',
          'bounce.async': undefined,
        },
      ],
    },
    {
      when: 'a refusal by policy',
      body: event('message.bounced', attempt('PolicyRelated', 550, '5.7.1', 'refused')),
      events: [{ 'bounce.type': 'soft', 'bounce.category': 'policy' }],
    },
    {
      when: 'a bounce that came later',
      body: event('message.bounced', { delivery_attempt: null }),
      events: [{ 'bounce.type': 'hard', 'bounce.scope': 'recipient', 'bounce.async': true }],
    },
    {
      when: 'a suppressed recipient',
      body: event('message.suppressed'),
      events: [{ type: 'email.rejected', 'reject.reason': 'suppressed' }],
    },
    {
      when: 'an open by a bot',
      body: event('message.opened', {
        user_agent: 'Mozilla/5.0',
        ip: '192.168.1.100',
        is_bot: true,
      }),
      events: [
        { type: 'email.opened', 'engagement.machine': true, 'engagement.machine_reason': 'is_bot' },
      ],
    },
    {
      when: 'a click',
      body: event('message.clicked', {
        url: 'https://example.com/l',
        ip: '1.2.3.4',
        is_bot: false,
      }),
      events: [
        {
          type: 'email.clicked',
          'engagement.url': 'https://example.com/l',
          'engagement.machine': false,
        },
      ],
    },
    {
      when: 'a suppression',
      body: event('suppression.created', {
        reason: 'Too many hard bounces',
        expires_at: '2024-06-05T12:57:06.451529617Z',
        sending_domain: 'x.example',
      }),
      events: [
        {
          type: 'suppression.added',
          recipient: 'recipient@example.com',
          suppression: {
            reason: 'hard_bounce',
            by: 'ahasend',
            expires_at: '2024-06-05T12:57:06.451529617Z',
            note: 'Too many hard bounces',
          },
        },
      ],
    },
    {
      when: 'an error in the DNS',
      body: {
        ...event('domain.dns_error'),
        data: {
          domain: 'example.com',
          account_id: 'a',
          spf_valid: false,
          dkim_valid: true,
          dmarc_valid: false,
        },
      },
      events: [
        {
          type: 'domain.dns_error',
          'domain.name': 'example.com',
          'domain.records': [
            { purpose: 'spf', name: 'example.com', type: 'TXT', status: 'wrong' },
            { purpose: 'dkim', name: 'example.com', type: 'TXT', status: 'ok' },
            { purpose: 'dmarc', name: 'example.com', type: 'TXT', status: 'wrong' },
          ],
        },
      ],
    },
    {
      when: 'inbound mail',
      body: {
        ...event('message.routing'),
        data: {
          id: 'route-msg-1',
          from: 'Jane <customer@gmail.com>',
          to: 'support@yourdomain.com',
          subject: 'Help',
          message_id: '<u@gmail.com>',
          date: 'Mon, 06 May 2024 13:15:46 +0000',
        },
      },
      events: [
        {
          type: 'email.received',
          recipient: 'support@yourdomain.com',
          'message.from': 'customer@gmail.com',
          'message.sent_at': '2024-05-06T13:15:46Z',
        },
      ],
    },
    {
      when: 'a type of tomorrow',
      body: event('message.teleported'),
      events: [{ type: 'email.unknown' }],
    },
  ],
  signing: {
    body: JSON.stringify(event('message.delivered')),
    secret: SECRET,
    otherSecret: 'another secret',
    nowMs: Number(TIMESTAMP) * 1_000,
    tooOldMs: 301_000,
    coversBody: true,
    signatureHeaders: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
    sign: (body) => ({
      headers: {
        'webhook-id': 'wh_1',
        'webhook-timestamp': TIMESTAMP,
        'webhook-signature': `v1,${createHmac('sha256', SECRET).update(`wh_1.${TIMESTAMP}.`).update(body).digest('base64')}`,
      },
    }),
  },
});
