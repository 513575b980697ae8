import { generateKeyPairSync, sign } from 'node:crypto';
import { describeProvider } from './fixtures/describe-provider.ts';
import { sendgrid } from './sendgrid.ts';

const MESSAGE = '14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0';

const base = {
  email: 'Jane.Doe@Example.COM',
  timestamp: 1513299569,
  'smtp-id': '<14c5d75ce93.dfd.64b469@ismtpd-555>',
  category: 'cat facts',
  sg_event_id: 'ZGVsaXZlcmVkLTA',
  sg_message_id: MESSAGE,
};

const common = {
  provider: 'sendgrid',
  recipient: 'Jane.Doe@example.com',
  recipient_inferred: false,
  'message.provider_id': MESSAGE,
  'message.smtp_id': '<14c5d75ce93.dfd.64b469@ismtpd-555>',
  timestamp: '2017-12-15T00:59:29Z',
  tags: ['cat facts'],
};

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const others = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const TIMESTAMP = '1600112502';

describeProvider(sendgrid, {
  cases: [
    {
      when: 'a batch of delivery events, each about its own recipient',
      body: [
        { ...base, event: 'processed', send_at: 1513299560, pool: { name: 'new', id: 210 } },
        {
          ...base,
          event: 'deferred',
          response: '400 try again later',
          attempt: '5',
          domain: 'example.com',
        },
        { ...base, event: 'delivered', response: '250 2.0.0 OK', tls: 1, ip: '168.1.1.1' },
      ],
      events: [
        {
          ...common,
          type: 'email.accepted',
          provider_type: 'processed',
          provider_event_id: 'ZGVsaXZlcmVkLTA',
          metadata: {},
        },
        {
          ...common,
          type: 'email.deferred',
          'delivery.attempt': 5,
          'delivery.response': '400 try again later',
          'delivery.smtp_code': 400,
        },
        {
          ...common,
          type: 'email.delivered',
          delivery: { smtp_code: 250, enhanced_code: '2.0.0', response: '250 2.0.0 OK', tls: true },
        },
      ],
    },
    {
      when: 'bounces, blocks and drops',
      body: [
        {
          ...base,
          event: 'bounce',
          type: 'bounce',
          status: '5.1.1',
          reason: '550 5.1.1 The email account that you tried to reach does not exist',
          bounce_classification: 'Invalid Address',
        },
        {
          ...base,
          event: 'bounce',
          type: 'blocked',
          status: '4.7.0',
          reason: '421 4.7.0 [TSS04] deferred',
          bounce_classification: 'Reputation',
        },
        { ...base, event: 'bounce', type: 'blocked', reason: 'unable to get mx info' },
        { ...base, event: 'dropped', reason: 'Bounced Address', status: '5.0.0' },
        { ...base, event: 'dropped', reason: 'Unsubscribed Address' },
        { ...base, event: 'dropped', reason: 'Invalid' },
        { ...base, event: 'dropped', reason: 'Spam Content (if Spam Checker app is enabled)' },
      ],
      events: [
        {
          type: 'email.bounced',
          bounce: {
            type: 'hard',
            category: 'invalid_address',
            scope: 'recipient',
            description: 'Invalid Address',
            suppressed: true,
          },
          'delivery.enhanced_code': '5.1.1',
        },
        {
          type: 'email.bounced',
          'bounce.type': 'soft',
          'bounce.category': 'blocked',
          'bounce.scope': 'infrastructure',
          'bounce.suppressed': false,
        },
        { type: 'email.bounced', 'bounce.type': 'soft', 'bounce.category': 'dns_failure' },
        {
          type: 'email.rejected',
          'reject.reason': 'suppressed',
          'delivery.response': 'Bounced Address',
        },
        { type: 'email.rejected', 'reject.reason': 'unsubscribed' },
        { type: 'email.rejected', 'reject.reason': 'invalid_address' },
        { type: 'email.rejected', 'reject.reason': 'spam_content' },
      ],
    },
    {
      when: 'what recipients do, with opens that a machine made',
      body: [
        {
          ...base,
          event: 'open',
          useragent: 'Mozilla/4.0',
          ip: '255.255.255.255',
          sg_machine_open: true,
        },
        {
          ...base,
          event: 'open',
          useragent: 'Mozilla/4.0',
          ip: '255.255.255.255',
          sg_machine_open: false,
        },
        {
          ...base,
          event: 'click',
          useragent: 'Mozilla/4.0',
          ip: '255.255.255.255',
          url: 'http://www.sendgrid.com/',
          url_offset: { index: 3, type: 'html' },
        },
        { ...base, event: 'spamreport' },
        { ...base, event: 'unsubscribe' },
        {
          ...base,
          event: 'group_unsubscribe',
          asm_group_id: 10,
          url: 'http://www.sendgrid.com/',
          ip: '1.2.3.4',
        },
        { ...base, event: 'group_resubscribe', asm_group_id: 10 },
      ],
      events: [
        {
          type: 'email.opened',
          engagement: {
            ip: '255.255.255.255',
            user_agent: 'Mozilla/4.0',
            machine: true,
            machine_reason: 'sg_machine_open',
          },
        },
        { type: 'email.opened', 'engagement.machine': false },
        {
          type: 'email.clicked',
          'engagement.url': 'http://www.sendgrid.com/',
          'engagement.link_id': '3',
        },
        { type: 'email.complained', 'complaint.type': 'abuse' },
        { type: 'email.unsubscribed', 'unsubscribe.method': 'link', 'unsubscribe.group': null },
        { type: 'email.unsubscribed', 'unsubscribe.group': '10' },
        { type: 'email.resubscribed', 'unsubscribe.group': '10' },
      ],
    },
    {
      when: 'unique arguments, lists of categories, unknown types and events of the account',
      body: [
        {
          ...base,
          event: 'delivered',
          category: ['a', 'b', 'a'],
          order_id: '1001',
          big: 1,
          unique_args: { plan: 'pro' },
        },
        {
          event: 'account_status_change',
          type: 'compliance_suspend',
          sg_event_id: 'x',
          timestamp: 1709142428,
        },
        { ...base, event: 'brand_new' },
        { email: 'no@type.example' },
      ],
      events: [
        { tags: ['a', 'b'], metadata: { plan: 'pro', order_id: '1001', big: 1 } },
        {
          type: 'account.status_changed',
          provider_type: 'account_status_change',
          'account.status': 'compliance_suspend',
        },
        { type: 'email.unknown', provider_type: 'brand_new' },
        {
          type: 'email.unknown',
          provider_type: null,
          recipient: 'no@type.example',
          timestamp: null,
        },
      ],
    },
    {
      when: 'inbound mail for each recipient of the envelope',
      headers: { 'content-type': 'multipart/form-data; boundary=xYzZY' },
      body: [
        [
          'headers',
          'Message-ID: <abc@sender.example>\nDate: Fri, 3 Mar 2023 18:22:03 -0800\nSubject: Hello',
        ],
        ['to', 'Support <support@inbound.example>'],
        ['from', 'Jane <jane@Sender.example>'],
        ['subject', 'Hello'],
        [
          'envelope',
          '{"to":["support@inbound.example","sales@inbound.example"],"from":"jane@sender.example"}',
        ],
        ['text', 'Hi\r\nthere'],
      ]
        .map(
          ([name, value]) =>
            `--xYzZY\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
        )
        .join('')
        .concat(
          '--xYzZY\r\nContent-Disposition: form-data; name="attachment1"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nfile\r\n--xYzZY--\r\n',
        ),
      events: [
        {
          type: 'email.received',
          recipient: 'support@inbound.example',
          timestamp: null,
          'message.smtp_id': '<abc@sender.example>',
          'message.from': 'jane@sender.example',
          'message.subject': 'Hello',
          'message.sent_at': '2023-03-04T02:22:03Z',
          'raw.text': 'Hi\r\nthere',
          'raw.files': [
            {
              name: 'attachment1',
              filename: 'a.txt',
              content_type: 'text/plain',
              size: 4,
              content_b64: 'ZmlsZQ==',
            },
          ],
        },
        { type: 'email.received', recipient: 'sales@inbound.example' },
      ],
    },
    { when: 'an empty batch', body: [], events: [] },
    {
      when: 'a bounce of another kind, after which nothing is suppressed',
      body: [{ ...base, event: 'bounce', type: 'expired', reason: 'unable to deliver' }],
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'soft',
          'bounce.category': 'timeout',
          'bounce.suppressed': false,
        },
      ],
    },
  ],
  signing: {
    body: `${JSON.stringify([{ ...base, event: 'delivered' }])}\r\n`,
    secret: keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    otherSecret: others.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    nowMs: Number(TIMESTAMP) * 1_000,
    tooOldMs: 26 * 3_600_000,
    coversBody: true,
    signatureHeaders: [
      'X-Twilio-Email-Event-Webhook-Signature',
      'X-Twilio-Email-Event-Webhook-Timestamp',
    ],
    sign: (body) => ({
      headers: {
        'X-Twilio-Email-Event-Webhook-Signature': sign(
          'sha256',
          Buffer.concat([Buffer.from(TIMESTAMP), body]),
          keys.privateKey,
        ).toString('base64'),
        'X-Twilio-Email-Event-Webhook-Timestamp': TIMESTAMP,
      },
    }),
  },
});
