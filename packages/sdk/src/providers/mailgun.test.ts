import { createHmac } from 'node:crypto';
import { describeProvider } from './fixtures/describe-provider.ts';
import { mailgun } from './mailgun.ts';

const signature = {
  timestamp: '1529006854',
  token: 'a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0',
  signature: 'd2271d12299f6592d9d44cd9d250f0704e4674c30d79d07c47a66f95ce71cf55',
};

const base = {
  id: 'CPgfbmQMTCKtHW6uIWtuVe',
  timestamp: 1521472262.908181,
  'log-level': 'info',
  message: {
    headers: {
      to: 'Alice <alice@example.com>',
      'message-id': '20130503182626.18666.16540@mg.example.org',
      from: 'Bob <bob@mg.example.org>',
      subject: 'Test delivered webhook',
    },
    size: 111,
  },
  recipient: 'alice@Example.com',
  tags: ['my_tag_1', 'my_tag_2'],
  'user-variables': { my_var_1: 'Mailgun Variable #1', 'my-var-2': 'awesome' },
};

const event = (data: object) => ({ signature, 'event-data': { ...base, ...data } });

const status = {
  'attempt-no': 2,
  code: 250,
  message: 'OK',
  'mx-host': 'smtp-in.example.com',
  tls: true,
  'session-seconds': 0.4331989,
};

const client = {
  'client-os': 'Linux',
  'device-type': 'desktop',
  'client-name': 'Chrome',
  'user-agent': 'Mozilla/5.0',
};

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

describeProvider(mailgun, {
  cases: [
    {
      when: 'a delivery, with the time to the microsecond',
      body: event({ event: 'delivered', 'delivery-status': status }),
      events: [
        {
          type: 'email.delivered',
          timestamp: '2018-03-19T15:11:02.908181Z',
          provider_type: 'delivered',
          provider_event_id: 'CPgfbmQMTCKtHW6uIWtuVe',
          recipient: 'alice@example.com',
          'message.smtp_id': '<20130503182626.18666.16540@mg.example.org>',
          'message.from': 'bob@mg.example.org',
          'message.subject': 'Test delivered webhook',
          delivery: {
            attempt: 2,
            smtp_code: 250,
            response: 'OK',
            mx: 'smtp-in.example.com',
            tls: true,
            latency_ms: 433,
          },
          tags: ['my_tag_1', 'my_tag_2'],
          metadata: { my_var_1: 'Mailgun Variable #1', 'my-var-2': 'awesome' },
        },
      ],
    },
    {
      when: 'an acceptance',
      body: event({ event: 'accepted', method: 'HTTP' }),
      events: [{ type: 'email.accepted' }],
    },
    {
      when: 'a temporary failure, with the next attempt',
      body: event({
        event: 'failed',
        severity: 'temporary',
        reason: 'generic',
        'delivery-status': {
          ...status,
          code: 452,
          'enhanced-code': '4.2.2',
          message: '4.2.2 over quota',
          'retry-seconds': 600,
        },
      }),
      events: [
        {
          type: 'email.deferred',
          'delivery.enhanced_code': '4.2.2',
          'delivery.next_attempt_at': '2018-03-19T15:21:02Z',
          'delivery.error_code': 'mailbox_full',
        },
      ],
    },
    {
      when: 'a permanent failure',
      body: event({
        event: 'failed',
        severity: 'permanent',
        reason: 'bounce',
        'delivery-status': {
          ...status,
          code: 550,
          'enhanced-code': '5.1.1',
          message: '5.1.1 No such user',
          'bounce-type': 'hard',
        },
      }),
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'hard',
          'bounce.category': 'invalid_address',
          'delivery.smtp_code': 550,
        },
      ],
    },
    {
      when: 'a message that got too old',
      body: event({
        event: 'failed',
        severity: 'permanent',
        reason: 'old',
        'delivery-status': { code: 602, message: '', description: 'Too old' },
      }),
      events: [{ type: 'email.bounced', 'bounce.type': 'soft', 'bounce.category': 'timeout' }],
    },
    {
      when: 'suppressed addresses as rejected',
      body: event({
        event: 'failed',
        severity: 'permanent',
        reason: 'suppress-unsubscribe',
        'delivery-status': { code: 606, description: 'Not delivering to unsubscribed address' },
      }),
      events: [
        {
          type: 'email.rejected',
          'reject.reason': 'unsubscribed',
          'delivery.response': 'Not delivering to unsubscribed address',
          bounce: undefined,
        },
      ],
    },
    {
      when: 'a rejection, whose recipient is in the headers',
      body: event({
        event: 'rejected',
        recipient: undefined,
        reject: { reason: 'Rate limited', description: 'Sandbox domain limit' },
      }),
      events: [
        {
          type: 'email.rejected',
          recipient: 'alice@example.com',
          'reject.reason': 'account_suspended',
        },
      ],
    },
    {
      when: 'an open by a machine',
      body: event({
        event: 'opened',
        ip: '50.56.129.169',
        'client-info': { ...client, bot: 'apple' },
      }),
      events: [
        {
          type: 'email.opened',
          'engagement.machine': true,
          'engagement.machine_reason': 'apple',
          'engagement.client': { name: 'Chrome', os: 'Linux', device: 'desktop' },
        },
      ],
    },
    {
      when: 'a click by a person',
      body: event({
        event: 'clicked',
        ip: '50.56.129.169',
        url: 'http://example.com/?a=1',
        'client-info': { ...client, bot: '' },
      }),
      events: [
        {
          type: 'email.clicked',
          'engagement.url': 'http://example.com/?a=1',
          'engagement.ip': '50.56.129.169',
          'engagement.machine': undefined,
        },
      ],
    },
    {
      when: 'a complaint',
      body: event({ event: 'complained' }),
      events: [{ type: 'email.complained' }],
    },
    {
      when: 'an unsubscribe',
      body: event({ event: 'unsubscribed', ip: '1.2.3.4' }),
      events: [{ type: 'email.unsubscribed', 'unsubscribe.method': 'link' }],
    },
    {
      when: 'a type of tomorrow',
      body: event({ event: 'teleported' }),
      events: [{ type: 'email.unknown', provider_type: 'teleported' }],
    },
    {
      when: 'an event of the older form posts',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form({
        event: 'bounced',
        recipient: 'alice@example.com',
        code: '550',
        error: '5.1.1 no such user',
        timestamp: '1521472262',
        token: 't',
        signature: 's',
        'Message-Id': '<1@mg.example.org>',
        my_var: 'x',
      }),
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'hard',
          'bounce.category': 'invalid_address',
          'message.smtp_id': '<1@mg.example.org>',
          metadata: { my_var: 'x' },
        },
      ],
    },
    {
      when: 'inbound mail of a route',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form({
        recipient: 'in@mg.example.org',
        sender: 'jane@example.com',
        from: 'Jane <jane@example.com>',
        subject: 'Hi',
        'body-plain': 'text',
        timestamp: '1521472262',
        'Message-Id': '<2@example.com>',
        Date: 'Mon, 19 Mar 2018 15:11:00 +0000',
      }),
      events: [
        {
          type: 'email.received',
          recipient: 'in@mg.example.org',
          'message.from': 'jane@example.com',
          'message.smtp_id': '<2@example.com>',
          timestamp: '2018-03-19T15:11:02Z',
        },
      ],
    },
    {
      when: 'an event alone, as its page of payloads shows it',
      body: {
        id: 'CCXMjJ7nQi2N3BPigGOdgQ',
        event: 'accepted',
        'log-level': 'info',
        timestamp: 1770146798.6,
        recipient: 'jane@example.com',
        message: { headers: { 'message-id': 'm@example.com', subject: 'Hi' } },
      },
      events: [
        {
          type: 'email.accepted',
          timestamp: '2026-02-03T19:26:38.6Z',
          recipient: 'jane@example.com',
          'message.smtp_id': '<m@example.com>',
        },
      ],
    },
  ],
  signing: {
    body: JSON.stringify(event({ event: 'delivered' })),
    secret: 'key-signing',
    otherSecret: 'key-other',
    nowMs: 1_529_006_854_000,
    tooOldMs: 10 * 3_600_000,
    coversBody: false,
    signatureHeaders: [],
    sign: () => ({
      headers: {},
      body: Buffer.from(
        JSON.stringify({
          ...event({ event: 'delivered' }),
          signature: {
            ...signature,
            signature: createHmac('sha256', 'key-signing')
              .update(signature.timestamp + signature.token)
              .digest('hex'),
          },
        }),
      ),
    }),
  },
});
