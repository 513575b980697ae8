import { describeProvider } from './fixtures/describe-provider.ts';
import { postmark } from './postmark.ts';

const base = {
  MessageID: '00000000-0000-0000-0000-000000000000',
  ServerID: 23,
  MessageStream: 'outbound',
  Tag: 'welcome-email',
  Metadata: { example: 'value', n: 2 },
};

const bounce = (Type: string, more: object = {}) => ({
  ...base,
  RecordType: 'Bounce',
  ID: 4323372036854775807n.toString(),
  Type,
  TypeCode: 1,
  Description: 'The server was unable to deliver your message.',
  Details: 'smtp;550 5.1.1 Unknown user',
  Email: 'john@Example.com',
  From: 'sender@example.com',
  Subject: 'Hi',
  BouncedAt: '2019-11-05T16:33:54.9070259-05:00',
  Inactive: true,
  CanActivate: true,
  ...more,
});

const change = (
  SuppressSending: boolean,
  SuppressionReason: string | null,
  Origin = 'Recipient',
) => ({
  ...base,
  RecordType: 'SubscriptionChange',
  ChangedAt: '2020-02-01T10:53:34.416071Z',
  Recipient: 'bounced-address@wildbit.com',
  Origin,
  SuppressSending,
  SuppressionReason,
});

const typeOf = (Type: string, type: string, more: object = {}) => ({
  when: `a bounce of type ${Type}`,
  body: bounce(Type),
  events: [{ type, provider_type: 'Bounce', ...more }],
});

const view = {
  ...base,
  Recipient: 'john@example.com',
  ReceivedAt: '2019-11-05T16:33:54.9070259Z',
  Client: { Name: 'Chrome 35.0.1916.153', Company: 'Google', Family: 'Chrome' },
  OS: { Name: 'OS X 10.7 Lion', Company: 'Apple', Family: 'OS X 10' },
  Platform: 'WebMail',
  UserAgent: 'Mozilla/5.0',
  Geo: { City: 'Novi Sad', IP: '188.2.95.4' },
};

describeProvider(postmark, {
  cases: [
    {
      when: 'a delivery',
      body: {
        ...base,
        RecordType: 'Delivery',
        Recipient: 'john@example.com',
        DeliveredAt: '2019-11-05T16:33:54.9070259Z',
        Details: 'smtp;250 2.0.0 OK',
      },
      events: [
        {
          type: 'email.delivered',
          timestamp: '2019-11-05T16:33:54.9070259Z',
          'message.stream': 'outbound',
          'delivery.smtp_code': 250,
          'delivery.enhanced_code': '2.0.0',
          tags: ['welcome-email'],
          metadata: { example: 'value', n: 2 },
        },
      ],
    },
    {
      when: 'a hard bounce, with seven digits and an offset, and an id as large as they get',
      body: bounce('HardBounce'),
      events: [
        {
          type: 'email.bounced',
          timestamp: '2019-11-05T21:33:54.9070259Z',
          provider_event_id: '4323372036854775807',
          recipient: 'john@example.com',
          'bounce.type': 'hard',
          'bounce.category': 'invalid_address',
          'bounce.suppressed': true,
          'delivery.smtp_code': 550,
        },
      ],
    },
    typeOf('SoftBounce', 'email.bounced', { 'bounce.type': 'soft' }),
    typeOf('VirusNotification', 'email.bounced', {
      'bounce.type': 'hard',
      'bounce.category': 'content_rejected',
      'bounce.scope': 'content',
    }),
    typeOf('Transient', 'email.deferred', { bounce: undefined }),
    typeOf('DnsError', 'email.deferred', { 'delivery.error_code': 'dns_failure' }),
    typeOf('OpenRelayTest', 'email.deferred'),
    typeOf('AutoResponder', 'email.autoresponded'),
    typeOf('AddressChange', 'email.autoresponded'),
    typeOf('ChallengeVerification', 'email.autoresponded'),
    typeOf('SpamNotification', 'email.complained'),
    typeOf('SpamComplaint', 'email.complained'),
    typeOf('BadEmailAddress', 'email.rejected', { 'reject.reason': 'invalid_address' }),
    typeOf('ManuallyDeactivated', 'email.rejected', { 'reject.reason': 'suppressed' }),
    typeOf('Unconfirmed', 'email.rejected'),
    typeOf('Blocked', 'email.rejected', { 'reject.reason': 'policy' }),
    typeOf('DMARCPolicy', 'email.rejected', { 'reject.reason': 'policy' }),
    typeOf('SMTPApiError', 'email.failed'),
    typeOf('TemplateRenderingFailed', 'email.failed'),
    typeOf('Unsubscribe', 'email.unsubscribed'),
    typeOf('Subscribe', 'email.resubscribed'),
    typeOf('InboundError', 'inbound.failed'),
    typeOf('Unknown', 'email.unknown'),
    {
      when: 'a bounce of older webhooks, without RecordType',
      body: { ...bounce('HardBounce'), RecordType: undefined },
      events: [{ type: 'email.bounced', provider_type: 'Bounce' }],
    },
    {
      when: 'a complaint',
      body: { ...bounce('SpamComplaint'), RecordType: 'SpamComplaint' },
      events: [{ type: 'email.complained', 'complaint.type': 'abuse' }],
    },
    {
      when: 'an open',
      body: { ...view, RecordType: 'Open', FirstOpen: true, ReadSeconds: 5 },
      events: [
        {
          type: 'email.opened',
          engagement: {
            ip: '188.2.95.4',
            user_agent: 'Mozilla/5.0',
            client: { name: 'Chrome 35.0.1916.153', os: 'OS X 10.7 Lion', device: 'WebMail' },
            first: true,
          },
        },
      ],
    },
    {
      when: 'an open by a machine that Postmark names',
      body: { ...view, RecordType: 'Open', Client: { Name: 'Apple Mail Privacy Protection' } },
      events: [
        {
          'engagement.machine': true,
          'engagement.machine_reason': 'Apple Mail Privacy Protection',
        },
      ],
    },
    {
      when: 'a click',
      body: {
        ...view,
        RecordType: 'Click',
        OriginalLink: 'https://example.com/a?b=c',
        ClickLocation: 'HTML',
      },
      events: [{ type: 'email.clicked', 'engagement.url': 'https://example.com/a?b=c' }],
    },
    {
      when: 'a return to the list',
      body: change(false, null),
      events: [{ type: 'email.resubscribed' }],
    },
    {
      when: 'a suppression by the recipient',
      body: change(true, 'ManualSuppression'),
      events: [{ type: 'email.unsubscribed', 'unsubscribe.method': 'link' }],
    },
    {
      when: 'a suppression by the customer',
      body: change(true, 'ManualSuppression', 'Customer'),
      events: [{ type: 'email.unsubscribed', 'unsubscribe.method': 'manual' }],
    },
    {
      when: 'a suppression after a bounce',
      body: change(true, 'HardBounce'),
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'hard',
          'bounce.scope': 'recipient',
          'bounce.suppressed': true,
        },
      ],
    },
    {
      when: 'a suppression after a complaint',
      body: change(true, 'SpamComplaint'),
      events: [{ type: 'email.complained' }],
    },
    {
      when: 'inbound mail',
      body: {
        FromName: 'Jane',
        From: 'jane@example.com',
        FromFull: { Email: 'jane@Example.com', Name: 'Jane', MailboxHash: '' },
        To: 'in@inbound.example',
        ToFull: [{ Email: 'in@inbound.example', Name: '', MailboxHash: 'SampleHash' }],
        OriginalRecipient: 'in+SampleHash@inbound.example',
        Subject: 'Hi',
        MessageID: '22c74902-a0c1-4511-804f2-341342852c90',
        MessageStream: 'inbound',
        Date: 'Thu, 5 Apr 2012 16:59:01 +0200',
        Headers: [{ Name: 'Message-ID', Value: '<CAGXpo2@mail.example.com>' }],
        TextBody: 'text',
        Attachments: [
          { Name: 'test.txt', Content: 'VGVzdA==', ContentType: 'text/plain', ContentLength: 45 },
        ],
      },
      events: [
        {
          type: 'email.received',
          recipient: 'in+SampleHash@inbound.example',
          timestamp: null,
          'message.from': 'jane@example.com',
          'message.smtp_id': '<CAGXpo2@mail.example.com>',
          'message.provider_id': '22c74902-a0c1-4511-804f2-341342852c90',
          'message.sent_at': '2012-04-05T14:59:01Z',
        },
      ],
    },
  ],
});
