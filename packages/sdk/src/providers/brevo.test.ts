import { brevo } from './brevo.ts';
import { describeProvider } from './fixtures/describe-provider.ts';

const event = (name: string, more: object = {}) => ({
  event: name,
  email: 'Example@Gmail.com',
  id: 814119,
  date: '2023-05-31 15:28:33',
  ts: 1685539713,
  'message-id': '<202305311328.81899448177@smtp-relay.mailin.fr>',
  ts_event: 1685539713,
  ts_epoch: 1685539713018,
  subject: 'Subject Line',
  tags: ['tag1', 'tag2'],
  tag: '["tag1","tag2"]',
  ...more,
});

const opened = (name: string, expected: object) => ({
  when: `an event ${name}`,
  body: event(name, { link: '' }),
  events: [{ type: 'email.opened', ...expected }],
});

describeProvider(brevo, {
  cases: [
    {
      when: 'a request, by the time that is UTC for sure',
      body: event('request'),
      events: [
        {
          type: 'email.accepted',
          timestamp: '2023-05-31T13:28:33.018Z',
          recipient: 'Example@gmail.com',
          'message.smtp_id': '<202305311328.81899448177@smtp-relay.mailin.fr>',
          'message.provider_id': '<202305311328.81899448177@smtp-relay.mailin.fr>',
          tags: ['tag1', 'tag2'],
          provider_event_id: null,
        },
      ],
    },
    {
      when: 'times in seconds',
      body: event('sent', { ts_epoch: 1604933623, ts_event: 1604933654 }),
      events: [{ type: 'email.sent', timestamp: '2020-11-09T14:54:14Z' }],
    },
    {
      when: 'only a tag in a text',
      body: event('delivered', { tags: undefined }),
      events: [{ type: 'email.delivered', tags: ['tag1', 'tag2'] }],
    },
    {
      when: 'a custom header with JSON',
      body: event('delivered', { 'X-Mailin-custom': '{"order_id":1001}' }),
      events: [{ metadata: { order_id: 1001 } }],
    },
    {
      when: 'a custom header of its own form',
      body: event('delivered', { 'X-Mailin-custom': 'a:1|b:2' }),
      events: [{ metadata: { 'X-Mailin-custom': 'a:1|b:2' } }],
    },
    {
      when: 'a deferral',
      body: event('deferred', { reason: '451 4.7.1 greylisted' }),
      events: [
        { type: 'email.deferred', 'delivery.smtp_code': 451, 'delivery.error_code': 'greylisted' },
      ],
    },
    {
      when: 'a hard bounce',
      body: event('hard_bounce', {
        reason: '550-5.1.1 The email account that you tried\n   550 5.1.1 to reach does not exist',
      }),
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'hard',
          'bounce.category': 'invalid_address',
          'delivery.response':
            '550-5.1.1 The email account that you tried 550 5.1.1 to reach does not exist',
        },
      ],
    },
    {
      when: 'a soft bounce',
      body: event('soft_bounce', { reason: 'server is down' }),
      events: [
        { type: 'email.bounced', 'bounce.type': 'soft', 'bounce.category': 'connection_failure' },
      ],
    },
    {
      when: 'a block',
      body: event('blocked', { reason: 'blocked : due to unsubscribed user' }),
      events: [{ type: 'email.rejected', 'reject.reason': 'unsubscribed' }],
    },
    {
      when: 'an invalid address',
      body: event('invalid_email'),
      events: [{ type: 'email.rejected', 'reject.reason': 'invalid_address' }],
    },
    {
      when: 'an error',
      body: event('error', { reason: 'template' }),
      events: [{ type: 'email.failed', 'delivery.response': 'template' }],
    },
    opened('opened', { 'engagement.first': undefined }),
    opened('unique_opened', { 'engagement.first': true }),
    opened('proxy_open', { engagement: { machine: true, machine_reason: 'proxy_open' } }),
    opened('unique_proxy_open', {
      engagement: { first: true, machine: true, machine_reason: 'proxy_open' },
    }),
    {
      when: 'a click',
      body: event('click', {
        link: 'https://a.example',
        ip: '1.2.3.4',
        user_agent: 'Moz',
        device_used: 'DESKTOP',
      }),
      events: [
        {
          type: 'email.clicked',
          engagement: {
            url: 'https://a.example',
            ip: '1.2.3.4',
            user_agent: 'Moz',
            client: { name: null, os: null, device: 'DESKTOP' },
          },
        },
      ],
    },
    {
      when: 'complaints under both names',
      body: [event('spam'), event('complaint')],
      events: [{ type: 'email.complained' }, { type: 'email.complained' }],
    },
    {
      when: 'unsubscribes under both names',
      body: [event('unsubscribe'), event('unsubscribed')],
      events: [{ type: 'email.unsubscribed' }, { type: 'email.unsubscribed' }],
    },
    {
      when: 'marketing events',
      body: [event('hardBounce'), event('list_addition', { email: ['a@b.example'] })],
      events: [{ type: 'email.bounced', 'bounce.type': 'hard' }, { type: 'email.resubscribed' }],
    },
    {
      when: 'inbound mail',
      body: {
        items: [
          {
            Uuid: ['a-b'],
            MessageId: '<m@example.com>',
            InReplyTo: null,
            From: { Name: 'J', Address: 'jane@example.com' },
            To: [{ Name: null, Address: 'in@inbound.example' }],
            Recipients: ['in@inbound.example', 'b@inbound.example'],
            SentAtDate: 'Fri, 3 Mar 2023 18:22:03 -0800',
            Subject: 'Hi',
            RawTextBody: 'text',
            Headers: {},
          },
        ],
      },
      events: [
        {
          type: 'email.received',
          recipient: 'in@inbound.example',
          'message.from': 'jane@example.com',
          'message.sent_at': '2023-03-04T02:22:03Z',
        },
        { recipient: 'b@inbound.example' },
      ],
    },
    {
      when: 'a load by a proxy, as its log calls it',
      body: event('loaded_by_proxy'),
      events: [{ type: 'email.opened', 'engagement.machine': true }],
    },
    { when: 'a type of tomorrow', body: event('teleport'), events: [{ type: 'email.unknown' }] },
  ],
});
