import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { WebhookError } from '../errors.ts';
import { describeProvider, requestOf } from './fixtures/describe-provider.ts';
import { mailchannels } from './mailchannels.ts';

const base = {
  email: 'sender@example.com',
  customer_handle: 'abc123',
  timestamp: 1625097600,
  request_id: 'wBLWrCnK0Z965pf-cgxhNg8bo5s=',
};

const keys = generateKeyPairSync('ed25519');
const others = generateKeyPairSync('ed25519');
const spki = ({ publicKey }: typeof keys) =>
  publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
const CREATED = 1_738_868_393;

function headersFor(body: Uint8Array, key = keys.privateKey): Record<string, string> {
  const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
  const parameters = `("content-digest");created=${CREATED};alg="ed25519";keyid="mckey"`;
  const text = `"content-digest": ${digest}\n"@signature-params": ${parameters}`;
  return {
    'Content-Digest': digest,
    'Signature-Input': `sig_1738775282=${parameters}`,
    Signature: `sig_1738775282=:${sign(null, Buffer.from(text), key).toString('base64')}:`,
  };
}

describeProvider(mailchannels, {
  cases: [
    {
      when: 'a batch, in which email is the sender and a time of 1975 is none',
      body: [
        { ...base, event: 'processed' },
        {
          ...base,
          event: 'delivered',
          timestamp: 162509800,
          recipients: ['Jane@Example.com'],
          smtp_id: '<a@mailchannels.net>',
        },
      ],
      events: [
        {
          type: 'email.accepted',
          timestamp: '2021-07-01T00:00:00Z',
          recipient: null,
          'message.from': 'sender@example.com',
          'message.provider_id': base.request_id,
        },
        {
          type: 'email.delivered',
          timestamp: null,
          recipient: 'Jane@example.com',
          'message.smtp_id': '<a@mailchannels.net>',
        },
      ],
    },
    {
      when: 'a hard bounce for each recipient',
      body: [
        {
          ...base,
          event: 'hard-bounced',
          recipients: ['a@x.example', 'b@x.example'],
          status: '550',
          reason: '550 5.1.1 user unknown',
        },
      ],
      events: [
        {
          type: 'email.bounced',
          recipient: 'a@x.example',
          recipient_inferred: false,
          'bounce.type': 'hard',
          'bounce.category': 'invalid_address',
          'delivery.smtp_code': 550,
        },
        { type: 'email.bounced', recipient: 'b@x.example' },
      ],
    },
    {
      when: 'a bounce whose status is that of others',
      body: [
        { ...base, event: 'hard-bounced', recipients: ['a@x.example'], status: '250', reason: '' },
      ],
      events: [
        { 'bounce.type': 'hard', 'bounce.scope': 'recipient', delivery: { smtp_code: 250 } },
      ],
    },
    {
      when: 'the other types',
      body: [
        'soft-bounced',
        'bounced',
        'dropped',
        'unsubscribed',
        'complained',
        'test',
        'teleported',
      ].map((event) => ({
        ...base,
        event,
        recipients: ['a@x.example'],
        reason: event === 'dropped' ? 'recipient is on the suppression list' : '',
      })),
      events: [
        { type: 'email.bounced', 'bounce.type': 'soft' },
        { type: 'email.bounced', 'bounce.type': 'hard' },
        { type: 'email.rejected', 'reject.reason': 'suppressed' },
        { type: 'email.unsubscribed' },
        { type: 'email.complained' },
        { type: 'system.test' },
        { type: 'email.unknown' },
      ],
    },
    {
      when: 'an open and a click',
      body: [
        {
          ...base,
          event: 'open',
          recipients: ['a@x.example'],
          ip: '1.2.3.4',
          user_agent: 'Moz',
          campaign_id: 'spring',
        },
        {
          ...base,
          event: 'click',
          recipients: ['a@x.example', 'b@x.example'],
          url: 'https://a.example',
        },
      ],
      events: [
        {
          type: 'email.opened',
          engagement: { ip: '1.2.3.4', user_agent: 'Moz' },
          tags: ['spring'],
          recipient_inferred: false,
        },
        {
          type: 'email.clicked',
          'engagement.url': 'https://a.example',
          recipient: 'a@x.example',
          recipient_inferred: true,
        },
      ],
    },
  ],
  signing: {
    body: JSON.stringify([{ ...base, event: 'delivered' }]),
    secret: spki(keys),
    otherSecret: spki(others),
    nowMs: CREATED * 1_000,
    tooOldMs: 301_000,
    coversBody: true,
    signatureHeaders: ['Content-Digest', 'Signature-Input', 'Signature'],
    sign: (body) => ({ headers: headersFor(body) }),
  },
});

test('the key is fetched by its id, and events of another customer are refused', async () => {
  const body = Buffer.from(JSON.stringify([{ ...base, event: 'delivered' }]));
  const request = requestOf({ body, headers: headersFor(body) });
  const asked: string[] = [];
  const fetchKey = async (url: string) => {
    asked.push(url);
    return JSON.stringify({ id: 'mckey', key: spki(keys) });
  };
  const codeOf = async (secrets: string[]) => {
    try {
      return (await mailchannels.verify(request, { secrets, nowMs: CREATED * 1_000, fetchKey }))
        .covers;
    } catch (error) {
      assert.ok(error instanceof WebhookError, String(error));
      return error.code;
    }
  };
  assert.equal(await codeOf(['handle:abc123']), 'body');
  assert.deepEqual(asked, ['https://api.mailchannels.net/tx/v1/webhook/public-key?id=mckey']);
  assert.equal(await codeOf(['handle:somebody']), 'topic_not_allowed');
  assert.equal(await codeOf(['handle:somebody', 'handle:abc123', spki(keys)]), 'body');
});
