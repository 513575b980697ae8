import { signStandardWebhook } from '../standard-webhooks/standard-webhooks.ts';
import { decodeSecret } from '../standard-webhooks/standard-webhooks-keys.ts';
import { describeProvider } from './fixtures/describe-provider.ts';
import { resend } from './resend.ts';

const data = {
  created_at: '2024-11-22T23:41:11.894719+00:00',
  email_id: '56761188-7520-42d8-8898-ff6fc54ce618',
  from: 'Acme <onboarding@resend.dev>',
  to: ['delivered@Resend.dev'],
  subject: 'Sending this example',
  tags: { category: 'confirm_email' },
};

const event = (type: string, more: object = {}) => ({
  type,
  created_at: '2024-11-22T23:41:12.126Z',
  data: { ...data, ...more },
});

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const TIMESTAMP = 1_731_705_121;

describeProvider(resend, {
  cases: [
    {
      when: 'a sending, with its tags and the id of the delivery',
      headers: { 'Svix-Id': 'msg_p5jXN8AQM9LWM0D4loKWxJek' },
      body: event('email.sent'),
      events: [
        {
          type: 'email.sent',
          timestamp: '2024-11-22T23:41:12.126Z',
          provider_event_id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
          recipient: 'delivered@resend.dev',
          recipient_inferred: false,
          'message.provider_id': data.email_id,
          'message.from': 'onboarding@resend.dev',
          'message.sent_at': '2024-11-22T23:41:11.894719Z',
          tags: ['category:confirm_email'],
          metadata: { category: 'confirm_email' },
        },
      ],
    },
    {
      when: 'tags as a list',
      body: event('email.delivered', { tags: [{ name: 'category', value: 'x' }] }),
      events: [{ type: 'email.delivered', tags: ['category:x'], metadata: { category: 'x' } }],
    },
    { when: 'a schedule', body: event('email.scheduled'), events: [{ type: 'email.accepted' }] },
    {
      when: 'a delay',
      body: event('email.delivery_delayed'),
      events: [{ type: 'email.deferred' }],
    },
    {
      when: 'a bounce',
      body: event('email.bounced', {
        bounce: {
          message: "The recipient's email address is on the suppression list.",
          subType: 'Suppressed',
          type: 'Permanent',
          diagnosticCode: ['smtp; 550 5.5.0 Requested action not taken'],
        },
      }),
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'hard',
          'bounce.category': 'suppressed',
          'delivery.smtp_code': 550,
          'bounce.description': "The recipient's email address is on the suppression list.",
        },
      ],
    },
    {
      when: 'a transient bounce',
      body: event('email.bounced', {
        bounce: { message: 'full', subType: 'MailboxFull', type: 'Transient' },
      }),
      events: [{ 'bounce.type': 'soft', 'bounce.category': 'mailbox_full' }],
    },
    {
      when: 'a complaint',
      body: event('email.complained'),
      events: [{ type: 'email.complained', 'complaint.type': 'abuse' }],
    },
    {
      when: 'an open',
      body: event('email.opened', {
        open: {
          ipAddress: '122.115.53.11',
          timestamp: '2024-11-24T05:00:57.163Z',
          userAgent: 'Mozilla/5.0',
        },
      }),
      events: [
        { type: 'email.opened', engagement: { ip: '122.115.53.11', user_agent: 'Mozilla/5.0' } },
      ],
    },
    {
      when: 'a click',
      body: event('email.clicked', {
        click: {
          ipAddress: '122.115.53.11',
          link: 'https://resend.com',
          timestamp: '2024-11-24T05:00:57.163Z',
          userAgent: 'Mozilla/5.0',
        },
      }),
      events: [{ type: 'email.clicked', 'engagement.url': 'https://resend.com' }],
    },
    {
      when: 'a failure',
      body: event('email.failed', { failed: { reason: 'reached_daily_quota' } }),
      events: [{ type: 'email.failed', 'delivery.response': 'reached_daily_quota' }],
    },
    {
      when: 'a suppressed recipient',
      body: event('email.suppressed', {
        suppressed: { message: 'Previously bounced', type: 'OnAccountSuppressionList' },
      }),
      events: [{ type: 'email.rejected', 'reject.reason': 'suppressed' }],
    },
    {
      when: 'several recipients: each of them for a delivery, the first for a click, the named one for a bounce',
      body: event('email.delivered', { to: ['a@x.example', 'B <b@x.example>'] }),
      events: [
        { recipient: 'a@x.example', recipient_inferred: true },
        { recipient: 'b@x.example', recipient_inferred: true },
      ],
    },
    {
      when: 'a click of one of several',
      body: event('email.clicked', { to: ['a@x.example', 'b@x.example'] }),
      events: [{ recipient: 'a@x.example', recipient_inferred: true }],
    },
    {
      when: 'a bounce of one of several',
      body: event('email.bounced', {
        to: ['a@x.example', 'b@x.example'],
        bounce: {
          type: 'Permanent',
          message: 'no user',
          diagnosticCode: ['550 5.1.1 <b@x.example> unknown'],
        },
      }),
      events: [{ recipient: 'b@x.example', recipient_inferred: false }],
    },
    {
      when: 'inbound mail',
      body: event('email.received', {
        message_id: '<111@example.com>',
        to: ['in@inbound.example'],
        attachments: [],
      }),
      events: [
        {
          type: 'email.received',
          recipient: 'in@inbound.example',
          'message.smtp_id': '<111@example.com>',
          'message.from': 'onboarding@resend.dev',
        },
      ],
    },
    {
      when: 'events about contacts and domains',
      body: event('contact.created', { to: undefined }),
      events: [{ type: 'email.unknown', provider_type: 'contact.created', recipient: null }],
    },
  ],
  signing: {
    body: JSON.stringify(event('email.sent')),
    secret: SECRET,
    otherSecret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
    nowMs: TIMESTAMP * 1_000,
    tooOldMs: 301_000,
    coversBody: true,
    signatureHeaders: ['svix-id', 'svix-timestamp', 'svix-signature'],
    sign: (body) => ({
      headers: {
        'svix-id': 'msg_1',
        'svix-timestamp': String(TIMESTAMP),
        'svix-signature': signStandardWebhook({
          key: decodeSecret(SECRET),
          id: 'msg_1',
          timestamp: TIMESTAMP,
          body,
        }),
      },
    }),
  },
});
