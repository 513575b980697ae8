import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { describeProvider, requestOf } from './fixtures/describe-provider.ts';
import { postal } from './postal.ts';

const message = {
  id: 12345,
  token: 'abcdef123',
  direction: 'outgoing',
  message_id: '5817a64332f44_4ec93ff59e79d154565eb@app34.mail',
  to: 'Test <test@Example.com>',
  from: 'sales@awesomeapp.com',
  subject: 'Welcome to AwesomeApp',
  timestamp: 1477945177.12994,
  spam_status: 'NotSpam',
  tag: 'welcome',
};

const event = (name: string, payload: object) => ({
  event: name,
  timestamp: 1477945179.5,
  uuid: '0fcc8b8a-6bbf-4ae1-a2f4-c1a22e5e6f3c',
  payload,
});

const status = (more: object) => ({
  status: 'Sent',
  details: 'Message sent by SMTP to aspmx.l.google.com',
  output: '250 2.0.0 OK 1477944899',
  sent_with_ssl: true,
  timestamp: 1477945177.12994,
  time: 0.22,
  message,
  ...more,
});

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const others = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = ({ publicKey }: typeof keys) =>
  publicKey.export({ type: 'spki', format: 'pem' }).toString();

describeProvider(postal, {
  cases: [
    {
      when: 'a delivery',
      body: event('MessageSent', status({})),
      events: [
        {
          type: 'email.delivered',
          timestamp: '2016-10-31T20:19:39.5Z',
          provider_event_id: '0fcc8b8a-6bbf-4ae1-a2f4-c1a22e5e6f3c',
          recipient: 'test@example.com',
          'message.provider_id': '12345',
          'message.smtp_id': '<5817a64332f44_4ec93ff59e79d154565eb@app34.mail>',
          'message.sent_at': '2016-10-31T20:19:37.12994Z',
          delivery: {
            smtp_code: 250,
            enhanced_code: '2.0.0',
            response: '250 2.0.0 OK 1477944899',
            tls: true,
            latency_ms: 220,
          },
          tags: ['welcome'],
        },
      ],
    },
    {
      when: 'a delay',
      body: event('MessageDelayed', status({ status: 'SoftFail', output: '451 4.7.1 Greylisted' })),
      events: [{ type: 'email.deferred', 'delivery.error_code': 'greylisted' }],
    },
    {
      when: 'a failure',
      body: event(
        'MessageDeliveryFailed',
        status({
          status: 'HardFail',
          details: 'Permanent SMTP delivery error',
          output: '550 5.1.1 unknown',
        }),
      ),
      events: [
        {
          type: 'email.bounced',
          'bounce.type': 'hard',
          'bounce.category': 'invalid_address',
          'bounce.async': false,
        },
      ],
    },
    {
      when: 'a failure that is not the address',
      body: event(
        'MessageDeliveryFailed',
        status({ status: 'HardFail', details: 'refused', output: '554 5.7.1 listed at Spamhaus' }),
      ),
      events: [{ 'bounce.category': 'blocked', 'bounce.scope': 'infrastructure' }],
    },
    {
      when: 'a held message',
      body: event(
        'MessageHeld',
        status({
          status: 'Held',
          details: 'Server is in development mode.',
          output: '',
          sent_with_ssl: null,
          time: null,
        }),
      ),
      events: [{ type: 'email.held', delivery: { response: 'Server is in development mode.' } }],
    },
    {
      when: 'a bounce that came later',
      body: event('MessageBounced', {
        original_message: message,
        bounce: { ...message, id: 9, direction: 'incoming', to: 'abc@psrp.example' },
      }),
      events: [
        {
          type: 'email.bounced',
          recipient: 'test@example.com',
          'bounce.type': 'hard',
          'bounce.async': true,
          'bounce.from_dsn': true,
        },
      ],
    },
    {
      when: 'a click',
      body: event('MessageLinkClicked', {
        message,
        url: 'https://a.example',
        token: 'VJzsFA0S',
        ip_address: '185.22.208.2',
        user_agent: 'Moz',
      }),
      events: [
        {
          type: 'email.clicked',
          engagement: {
            url: 'https://a.example',
            link_id: 'VJzsFA0S',
            ip: '185.22.208.2',
            user_agent: 'Moz',
          },
        },
      ],
    },
    {
      when: 'an open',
      body: event('MessageLoaded', { message, ip_address: '185.22.208.2' }),
      events: [{ type: 'email.opened', 'engagement.ip': '185.22.208.2' }],
    },
    {
      when: 'an error in the DNS',
      body: event('DomainDNSError', {
        domain: 'example.com',
        uuid: 'd',
        dns_checked_at: 1477945711.5502,
        spf_status: 'OK',
        spf_error: null,
        dkim_status: 'Invalid',
        dkim_error: 'The DKIM record is wrong',
        mx_status: 'Missing',
        mx_error: 'No MX',
        return_path_status: 'OK',
        return_path_error: null,
        server: {},
      }),
      events: [
        {
          type: 'domain.dns_error',
          'domain.records': [
            { purpose: 'spf', name: 'example.com', type: 'TXT', status: 'ok', detail: null },
            {
              purpose: 'dkim',
              name: 'example.com',
              type: 'TXT',
              status: 'wrong',
              detail: 'The DKIM record is wrong',
            },
            { purpose: 'mx', name: 'example.com', type: 'MX', status: 'missing', detail: 'No MX' },
            {
              purpose: 'return_path',
              name: 'example.com',
              type: 'CNAME',
              status: 'ok',
              detail: null,
            },
          ],
        },
      ],
    },
    {
      when: 'limits',
      body: event('SendLimitExceeded', { server: { name: 's' }, volume: 1100, limit: 1000 }),
      events: [
        {
          type: 'account.send_limit_exceeded',
          send_limit: { period: 'hour', limit: 1000, used: 1100, used_percent: 110 },
        },
      ],
    },
    {
      when: 'inbound mail of ours as no event',
      body: event('MessageSent', status({ message: { ...message, direction: 'incoming' } })),
      events: [],
    },
    {
      when: 'inbound mail of an HTTP endpoint',
      body: {
        id: 7,
        rcpt_to: 'in@inbound.example',
        mail_from: 'bounces@example.com',
        token: 't',
        subject: 'Hi',
        message_id: 'x@example.com',
        timestamp: 1477945177.5,
        from: 'Jane <jane@example.com>',
        plain_body: 'text',
      },
      events: [
        {
          type: 'email.received',
          recipient: 'in@inbound.example',
          'message.from': 'jane@example.com',
          'message.smtp_id': '<x@example.com>',
          timestamp: '2016-10-31T20:19:37.5Z',
        },
      ],
    },
    {
      when: 'inbound mail in its bytes',
      body: {
        id: 7,
        rcpt_to: 'in@inbound.example',
        mail_from: 'a@example.com',
        message: Buffer.from(
          'From: Jane <jane@example.com>\r\nMessage-ID: <y@example.com>\r\n\r\nHi',
        ).toString('base64'),
        base64: true,
        size: 60,
      },
      events: [
        {
          type: 'email.received',
          'message.from': 'jane@example.com',
          'message.smtp_id': '<y@example.com>',
        },
      ],
    },
    {
      when: 'a type of tomorrow',
      body: event('MessageTeleported', { message }),
      events: [{ type: 'email.unknown' }],
    },
  ],
  signing: {
    body: JSON.stringify(event('MessageSent', status({}))),
    secret: pem(keys),
    otherSecret: pem(others),
    nowMs: 0,
    coversBody: true,
    signatureHeaders: ['X-Postal-Signature-256'],
    sign: (body) => ({
      headers: {
        'X-Postal-Signature-256': sign('sha256', body, keys.privateKey).toString('base64'),
      },
    }),
  },
});

test('keys of a JWKS document are chosen by their name, and SHA-1 counts only alone', async () => {
  const body = Buffer.from(JSON.stringify(event('MessageSent', status({}))));
  const jwk = (kid: string, { publicKey }: typeof keys) => ({
    ...publicKey.export({ format: 'jwk' }),
    kid,
    use: 'sig',
    alg: 'RS256',
  });
  const secrets = [JSON.stringify({ keys: [jwk('a', others), jwk('b', keys)] })];
  const sha1 = sign('sha1', body, keys.privateKey).toString('base64');
  const sha256 = sign('sha256', body, keys.privateKey).toString('base64');
  const verify = async (headers: Record<string, string>) =>
    (await postal.verify(requestOf({ body, headers }), { secrets, nowMs: 0 })).covers;
  assert.equal(
    await verify({ 'X-Postal-Signature-256': sha256, 'X-Postal-Signature-KID': 'b' }),
    'body',
  );
  assert.equal(await verify({ 'X-Postal-Signature-256': sha256 }), 'body');
  assert.equal(await verify({ 'X-Postal-Signature': sha1 }), 'body');
  await assert.rejects(
    verify({ 'X-Postal-Signature-256': sha256, 'X-Postal-Signature-KID': 'a' }),
    { code: 'bad_signature' },
  );
  await assert.rejects(verify({ 'X-Postal-Signature-256': 'AAAA', 'X-Postal-Signature': sha1 }), {
    code: 'bad_signature',
  });
});
