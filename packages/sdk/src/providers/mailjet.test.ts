import { describeProvider } from './fixtures/describe-provider.ts';
import { mailjet } from './mailjet.ts';

const base = {
  time: 1433333949,
  email: 'API@Mailjet.com',
  mj_campaign_id: 7276,
  mj_contact_id: 5,
  customcampaign: 'spring',
  CustomID: 'helloworld',
  Payload: '{"order_id":"1001"}',
};

const event = (name: string, more: object = {}) => ({
  event: name,
  MessageID: 19421777835146490,
  ...base,
  ...more,
});

describeProvider(mailjet, {
  cases: [
    {
      when: 'an id that no double holds',
      body: '{"event":"sent","time":1433333949,"MessageID":104427216766056451,"email":"api@mailjet.com","CustomID":"","Payload":"","smtp_reply":"250 2.0.0 OK"}',
      events: [
        {
          type: 'email.delivered',
          'message.provider_id': '104427216766056451',
          timestamp: '2015-06-03T12:19:09Z',
          tags: [],
          metadata: { Payload: '' },
          delivery: { smtp_code: 250, enhanced_code: '2.0.0', response: '250 2.0.0 OK' },
        },
      ],
    },
    {
      when: 'a group of events',
      body: [
        event('open', { ip: '127.0.0.1', geo: 'US', agent: 'Moz' }),
        event('click', { url: 'https://mailjet.com', ip: '127.0.0.1', agent: 'Moz' }),
        event('spam', { source: 'JMRPP' }),
        event('unsub', { mj_list_id: 1 }),
        event('teleport'),
      ],
      events: [
        {
          type: 'email.opened',
          recipient: 'API@mailjet.com',
          engagement: { ip: '127.0.0.1', user_agent: 'Moz' },
          tags: ['helloworld', 'spring'],
          metadata: { order_id: '1001' },
        },
        { type: 'email.clicked', 'engagement.url': 'https://mailjet.com' },
        { type: 'email.complained' },
        { type: 'email.unsubscribed', 'unsubscribe.group': '1' },
        { type: 'email.unknown' },
      ],
    },
    {
      when: 'a hard bounce',
      body: event('bounce', {
        blocked: true,
        hard_bounce: true,
        error_related_to: 'recipient',
        error: 'user unknown',
        comment: '550 5.1.1 no',
      }),
      events: [
        {
          type: 'email.bounced',
          bounce: {
            type: 'hard',
            category: 'invalid_address',
            scope: 'recipient',
            description: 'user unknown: recipient',
            suppressed: true,
          },
          'delivery.smtp_code': 550,
        },
      ],
    },
    {
      when: 'a soft bounce',
      body: event('bounce', {
        blocked: false,
        hard_bounce: false,
        error_related_to: 'recipient',
        error: 'quota exceeded',
      }),
      events: [
        { 'bounce.type': 'soft', 'bounce.category': 'mailbox_full', 'bounce.suppressed': false },
      ],
    },
    {
      when: 'greylisting as a deferral',
      body: event('bounce', {
        hard_bounce: false,
        error_related_to: 'domain',
        error: 'greylisted',
      }),
      events: [{ type: 'email.deferred', 'delivery.error_code': 'greylisted' }],
    },
    {
      when: 'a block',
      body: event('blocked', { error_related_to: 'mailjet', error: 'preblocked' }),
      events: [
        {
          type: 'email.rejected',
          'reject.reason': 'suppressed',
          'delivery.response': 'preblocked: mailjet',
        },
      ],
    },
    {
      when: 'a payload that is no JSON',
      body: event('open', { Payload: 'order 1001' }),
      events: [{ metadata: { Payload: 'order 1001' } }],
    },
    {
      when: 'inbound mail',
      body: {
        Sender: 'pilot@mailjet.com',
        Recipient: 'in@parse.example',
        Date: '20150410T160638',
        From: 'Pilot <pilot@mailjet.com>',
        Subject: 'Hey!',
        Headers: { 'Message-ID': '<5527F2@mailjet.com>', Date: 'Fri, 10 Apr 2015 17:06:38 +0200' },
        Parts: [],
        'Text-part': 'Hi',
      },
      events: [
        {
          type: 'email.received',
          recipient: 'in@parse.example',
          'message.from': 'pilot@mailjet.com',
          'message.smtp_id': '<5527F2@mailjet.com>',
        },
      ],
    },
  ],
});
