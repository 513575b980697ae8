import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { describeProvider, requestOf } from './fixtures/describe-provider.ts';
import { mandrill } from './mandrill.ts';

const msg = {
  ts: 1365109999,
  subject: 'This an example webhook message',
  email: 'example.webhook@Mandrillapp.com',
  sender: 'example.sender@mandrillapp.com',
  tags: ['webhook-example'],
  metadata: { user_id: 111 },
  _id: 'exampleaaaaaaaaaaaaaaaaaaaaaaaaa',
  _version: 'exampleaaaaaaaaaaaaaaa',
  state: 'sent',
};

const form = (events: unknown): string =>
  new URLSearchParams({ mandrill_events: JSON.stringify(events) }).toString();
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

const event = (name: string, of: object = {}, more: object = {}) => ({
  event: name,
  ts: 1384954004,
  _id: msg._id,
  msg: { ...msg, ...of },
  ...more,
});

const URL_OF_OURS = 'https://user:pass@hooks.example.com/mandrill?a=b';

const signed = (body: Buffer, key: string): string => {
  const fields = [...new URLSearchParams(body.toString())].sort(([a], [b]) => (a < b ? -1 : 1));
  return createHmac('sha1', key)
    .update(URL_OF_OURS + fields.flat().join(''))
    .digest('base64');
};

describeProvider(mandrill, {
  cases: [
    {
      when: 'a batch as a form',
      headers: FORM,
      body: form([
        event('send'),
        event('deferral', {
          diag: '451 4.7.1 greylisted',
          smtp_events: [{ ts: 1, type: 'deferred', diag: '451 4.3.5' }],
        }),
        event('hard_bounce', {
          bounce_description: 'bad_mailbox',
          bgtools_code: 10,
          diag: 'smtp;550 5.1.1 unknown',
        }),
        event('soft_bounce', {
          bounce_description: 'mailbox_full',
          diag: 'smtp;552 5.2.2 Over Quota',
        }),
      ]),
      events: [
        {
          type: 'email.sent',
          timestamp: '2013-11-20T13:26:44Z',
          recipient: 'example.webhook@mandrillapp.com',
          'message.provider_id': msg._id,
          'message.from': 'example.sender@mandrillapp.com',
          tags: ['webhook-example'],
          metadata: { user_id: 111 },
          provider_event_id: null,
        },
        {
          type: 'email.deferred',
          'delivery.enhanced_code': '4.7.1',
          'delivery.error_code': 'greylisted',
        },
        {
          type: 'email.bounced',
          'bounce.type': 'hard',
          'bounce.category': 'invalid_address',
          'bounce.description': 'bad_mailbox',
        },
        { type: 'email.bounced', 'bounce.type': 'soft', 'bounce.category': 'mailbox_full' },
      ],
    },
    {
      when: 'a batch as JSON',
      body: {
        mandrill_events: [
          event(
            'open',
            {},
            {
              ip: '127.0.0.1',
              user_agent: 'Moz',
              user_agent_parsed: {
                type: 'Email Client',
                ua_name: 'Postbox 3',
                os_name: 'OS X 10.6',
                mobile: false,
              },
            },
          ),
          event('click', {}, { url: 'http://mandrill.com', ip: '127.0.0.1' }),
          event('spam'),
          event('unsub'),
          event('reject', { reject: { reason: 'hard-bounce' } }),
          event('reject', { reject: { reason: 'unsub' } }),
          event('delivered'),
          event('teleport'),
        ],
      },
      events: [
        {
          type: 'email.opened',
          engagement: {
            ip: '127.0.0.1',
            user_agent: 'Moz',
            client: { name: 'Postbox 3', os: 'OS X 10.6', device: 'desktop' },
          },
        },
        { type: 'email.clicked', 'engagement.url': 'http://mandrill.com' },
        { type: 'email.complained' },
        { type: 'email.unsubscribed' },
        { type: 'email.rejected', 'reject.reason': 'suppressed' },
        { type: 'email.rejected', 'reject.reason': 'unsubscribed' },
        { type: 'email.delivered' },
        { type: 'email.unknown' },
      ],
    },
    {
      when: 'changes of its lists',
      body: {
        mandrill_events: [
          {
            type: 'blacklist',
            action: 'add',
            reject: {
              reason: 'hard-bounce',
              detail: 'x',
              email: 'a@b.example',
              expires_at: '2013-12-20 13:26:44.000',
            },
            ts: 1384954004,
          },
          {
            type: 'blacklist',
            action: 'remove',
            reject: { reason: 'custom', email: 'a@b.example' },
            ts: 1384954004,
          },
          {
            type: 'whitelist',
            action: 'add',
            entry: { email: 'a@b.example', detail: 'd' },
            ts: 1384954004,
          },
          { type: 'whitelist', action: 'remove', entry: { email: 'a@b.example' }, ts: 1384954004 },
        ],
      },
      events: [
        {
          type: 'suppression.added',
          recipient: 'a@b.example',
          suppression: {
            reason: 'hard_bounce',
            by: 'mandrill',
            expires_at: '2013-12-20T13:26:44.000Z',
            note: 'x',
          },
        },
        { type: 'suppression.removed', 'suppression.reason': 'manual' },
        { type: 'suppression.removed' },
        { type: 'email.unknown', recipient: 'a@b.example' },
      ],
    },
    {
      when: 'inbound mail',
      headers: FORM,
      body: form([
        {
          event: 'inbound',
          ts: 1368214102,
          msg: {
            raw_msg: '...',
            headers: { 'Message-Id': '<m@example.com>', Date: 'Fri, 10 May 2013 19:28:20 +0000' },
            from_email: 'sender@example.com',
            to: [['in@inbound.example', null]],
            email: 'in@inbound.example',
            subject: 'Hi',
            tags: [],
          },
        },
      ]),
      events: [
        {
          type: 'email.received',
          recipient: 'in@inbound.example',
          'message.from': 'sender@example.com',
          'message.smtp_id': '<m@example.com>',
          'message.sent_at': '2013-05-10T19:28:20Z',
        },
      ],
    },
    { when: 'the empty batch of a test', headers: FORM, body: form([]), events: [] },
  ],
  signing: {
    body: form([event('send')]),
    secret: 'mandrill-key',
    otherSecret: 'another',
    nowMs: 0,
    url: URL_OF_OURS,
    coversBody: true,
    signatureHeaders: ['X-Mandrill-Signature'],
    sign: (body) => ({
      headers: { ...FORM, 'X-Mandrill-Signature': signed(body, 'mandrill-key') },
    }),
  },
});

test('the URL is signed as it was given, and the test of a new webhook has a key of its own', async () => {
  const body = Buffer.from(form([]));
  const probe = requestOf({
    body,
    headers: { ...FORM, 'X-Mandrill-Signature': signed(body, 'test-webhook') },
  });
  const context = { secrets: ['mandrill-key'], nowMs: 0 };
  assert.equal((await mandrill.verify(probe, { ...context, url: URL_OF_OURS })).covers, 'body');
  await assert.rejects(async () => mandrill.verify(probe, { ...context, url: `${URL_OF_OURS}/` }), {
    code: 'bad_signature',
  });
  const events = Buffer.from(form([event('send')]));
  const forged = requestOf({
    body: events,
    url: URL_OF_OURS,
    headers: { ...FORM, 'X-Mandrill-Signature': signed(events, 'test-webhook') },
  });
  await assert.rejects(async () => mandrill.verify(forged, context), { code: 'bad_signature' });
});

test('HEAD is answered, POST is not taken for it', () => {
  assert.equal(mandrill.handshake?.(requestOf({ method: 'HEAD' }))?.status, 200);
  assert.equal(mandrill.handshake?.(requestOf({ body: form([]) })), null);
});
