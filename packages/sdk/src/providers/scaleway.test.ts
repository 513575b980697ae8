import { describeProvider } from './fixtures/describe-provider.ts';
import { scaleway } from './scaleway.ts';

const base = {
  id: '8e9f3c1a-3b0a-4a73-9f5e-0e7a8a4f3d11',
  organization_id: 'org',
  project_id: 'prj',
  domain_id: 'dom',
  domain_name: 'example.com',
  created_at: '2025-10-01T12:00:00.123456789Z',
  email_id: 'f7a2c7a0-0c8c-4a61-9c39-2f5f0b6f8a22',
  email_from: 'shop@example.com',
  email_to: 'Jane@Example.org',
  email_headers: [
    { key: 'Message-Id', value: '<a@example.com>' },
    { key: 'Subject', value: 'Hello' },
  ],
};

const event = (type: string, more: object = {}) => ({
  Type: 'Notification',
  MessageId: 'm-1',
  TopicArn: 'arn:scw:sns:fr-par:project-1:tem',
  Message: JSON.stringify({ ...base, type, ...more }),
  Timestamp: '2025-10-01T12:00:01Z',
});

describeProvider(scaleway, {
  cases: [
    {
      when: 'a delivery',
      body: event('email_delivered', {
        email_response_code: 250,
        email_response_message: '2.0.0 OK',
      }),
      events: [
        {
          type: 'email.delivered',
          timestamp: '2025-10-01T12:00:00.123456789Z',
          provider_event_id: base.id,
          recipient: 'Jane@example.org',
          'message.provider_id': base.email_id,
          'message.smtp_id': '<a@example.com>',
          'message.subject': 'Hello',
          'message.from': 'shop@example.com',
          delivery: { smtp_code: 250, enhanced_code: '2.0.0', response: '2.0.0 OK' },
        },
      ],
    },
    {
      when: 'the queue',
      body: event('email_queued', { email_queued_at: '2025-10-01T11:59:59Z' }),
      events: [{ type: 'email.accepted', 'message.sent_at': '2025-10-01T11:59:59Z' }],
    },
    {
      when: 'a deferral',
      body: event('email_deferred', {
        email_response_code: 451,
        email_response_message: '4.7.1 Greylisted',
        email_try_count: 2,
        email_next_try: '2025-10-01T12:05:00Z',
      }),
      events: [
        {
          type: 'email.deferred',
          'delivery.attempt': 2,
          'delivery.next_attempt_at': '2025-10-01T12:05:00Z',
          'delivery.error_code': 'greylisted',
        },
      ],
    },
    {
      when: 'a drop',
      body: event('email_dropped', {
        email_response_code: 554,
        email_response_message: '5.7.1 blocked using Spamhaus',
      }),
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'hard',
          'bounce.category': 'blocked',
          'bounce.scope': 'infrastructure',
        },
      ],
    },
    {
      when: 'a mailbox that is not there',
      body: event('email_mailbox_not_found', { email_response_code: 550 }),
      events: [
        { type: 'email.bounced', 'bounce.type': 'hard', 'bounce.category': 'invalid_address' },
      ],
    },
    {
      when: 'what was taken for spam, which is no complaint',
      body: event('email_spam', { email_response_code: 550, email_response_message: 'spam' }),
      events: [{ type: 'email.rejected', 'reject.reason': 'spam_content' }],
    },
    {
      when: 'a blocked recipient',
      body: event('email_blocklisted', {
        blocklist_type: 'mailbox_not_found',
        blocklist_reason: 'too many bounces',
      }),
      events: [
        {
          type: 'email.rejected',
          'reject.reason': 'suppressed',
          'delivery.response': 'too many bounces',
        },
      ],
    },
    {
      when: 'an entry on the block list',
      body: event('blocklist_created', {
        blocklist_type: 'mailbox_full',
        blocklist_reason: 'full',
      }),
      events: [
        {
          type: 'suppression.added',
          recipient: 'Jane@example.org',
          suppression: { reason: 'hard_bounce', by: 'scaleway', note: 'full' },
        },
      ],
    },
    {
      when: 'a type of tomorrow, without an envelope',
      body: { ...base, type: 'email_opened' },
      events: [{ type: 'email.unknown', provider_type: 'email_opened' }],
    },
  ],
});
