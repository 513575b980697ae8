import { createHmac } from 'node:crypto';
import { describeProvider } from './fixtures/describe-provider.ts';
import { sweego } from './sweego.ts';

const base = {
  timestamp: '2024-08-20T08:38:27+02:00',
  swg_uid: '01-47d3e283-1afb-4b9e-bd45-bfbf32ba251f',
  event_id: '3e42ea83-f6a5-40cc-a1fa-8745669454',
  channel: 'email',
  transaction_id: '861aad97-e4e8-4aaf-9322-1b64835760b9',
  headers: { 'x-campaign-type': 'default', 'X-Order': '1001' },
  campaign_tags: null,
  campaign_type: 'transac',
  recipient: 'mymail@MyDomain.com',
};

const KEY = Buffer.from('sweego secret of some length').toString('base64');

describeProvider(sweego, {
  cases: [
    {
      when: 'a sending',
      body: { ...base, event_type: 'email_sent' },
      events: [
        {
          type: 'email.sent',
          timestamp: '2024-08-20T06:38:27Z',
          provider_event_id: base.event_id,
          recipient: 'mymail@mydomain.com',
          'message.provider_id': base.transaction_id,
          'message.stream': 'transac',
          metadata: { 'x-campaign-type': 'default', 'X-Order': '1001' },
          tags: [],
        },
      ],
    },
    {
      when: 'a delivery',
      body: { ...base, event_type: 'delivered', details: 'ACCEPTED (250 2.0.0 OK)' },
      events: [
        { type: 'email.delivered', 'delivery.smtp_code': 250, 'delivery.enhanced_code': '2.0.0' },
      ],
    },
    {
      when: 'a soft bounce',
      body: {
        ...base,
        event_type: 'soft-bounce',
        details: 'REJECTED[capacity] (452 User quota exceeded)',
        response_code: 452,
      },
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'soft',
          'bounce.category': 'mailbox_full',
          'delivery.smtp_code': 452,
        },
      ],
    },
    {
      when: 'a hard bounce',
      body: {
        ...base,
        event_type: 'hard_bounce',
        details: 'REJECTED[other] (550 Invalid Recipient)',
        response_code: 550,
      },
      events: [
        { type: 'email.bounced', 'bounce.type': 'hard', 'bounce.category': 'invalid_address' },
      ],
    },
    {
      when: 'an unsubscribe by one click, with a tag',
      body: { ...base, event_type: 'list_unsub', one_click: true, campaign_tags: 'billing' },
      events: [
        { type: 'email.unsubscribed', 'unsubscribe.method': 'one-click', tags: ['billing'] },
      ],
    },
    {
      when: 'a complaint',
      body: { ...base, event_type: 'complaint' },
      events: [{ type: 'email.complained' }],
    },
    {
      when: 'a click',
      body: {
        ...base,
        event_type: 'email_clicked',
        click: { ip_address: '1.2.3.4', url: 'https://a.example', user_agent: 'Moz', proxy: false },
      },
      events: [
        {
          type: 'email.clicked',
          engagement: { url: 'https://a.example', ip: '1.2.3.4', user_agent: 'Moz' },
        },
      ],
    },
    {
      when: 'an open without a zone',
      body: {
        ...base,
        event_type: 'email_opened',
        timestamp: '2024-01-01T00:00:00',
        open: { ip_address: '1.2.3.4' },
      },
      events: [
        { type: 'email.opened', timestamp: '2024-01-01T00:00:00Z', 'engagement.ip': '1.2.3.4' },
      ],
    },
    {
      when: 'inbound mail',
      body: {
        event_type: 'email_inbound',
        timestamp: '2024-12-19T13:49:28.849638+00:00',
        swg_uid: 'u',
        from_: { email: 'sender@example.com', name: 'S' },
        to: [{ email: 'in@inbound.example', name: '' }],
        subject: 'Hi',
        event_id: 'e',
      },
      events: [
        {
          type: 'email.received',
          recipient: 'in@inbound.example',
          'message.from': 'sender@example.com',
          timestamp: '2024-12-19T13:49:28.849638Z',
        },
      ],
    },
    {
      when: 'several in a list',
      body: [
        { ...base, event_type: 'delivered' },
        { ...base, event_type: 'new' },
      ],
      events: [{ type: 'email.delivered' }, { type: 'email.unknown' }],
    },
  ],
  signing: {
    body: JSON.stringify({ ...base, event_type: 'delivered' }),
    secret: KEY,
    otherSecret: Buffer.from('another').toString('base64'),
    nowMs: 1_730_057_863_000,
    tooOldMs: 301_000,
    coversBody: true,
    signatureHeaders: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
    sign: (body) => ({
      headers: {
        'webhook-id': 'w1',
        'webhook-timestamp': '1730057863',
        'webhook-signature': createHmac('sha256', Buffer.from(KEY, 'base64'))
          .update('w1.1730057863.')
          .update(body)
          .digest('base64'),
      },
    }),
  },
});
