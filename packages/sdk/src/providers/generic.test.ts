import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { describeProvider, requestOf } from './fixtures/describe-provider.ts';
import { createGenericProvider, generic } from './generic.ts';

const hmac = (key: string, text: string | Uint8Array) =>
  createHmac('sha256', key).update(text).digest('hex');

describeProvider(generic, {
  cases: [
    {
      when: 'a flat event by the usual names',
      body: {
        event: 'hard_bounce',
        email: 'Jane@Example.com',
        message_id: 'm1',
        timestamp: 1700000000,
        reason: '550 5.1.1 no such user',
        tags: 'a',
      },
      events: [
        {
          type: 'email.bounced',
          timestamp: '2023-11-14T22:13:20Z',
          recipient: 'Jane@example.com',
          'message.provider_id': 'm1',
          'bounce.type': 'hard',
          'bounce.category': 'invalid_address',
          tags: ['a'],
        },
      ],
    },
    {
      when: 'a nested one',
      body: {
        id: 'e1',
        type: 'message.clicked',
        created_at: '2024-01-01T00:00:00Z',
        data: { recipient: 'a@b.example', url: 'https://a.example', ip_address: '1.2.3.4' },
      },
      events: [
        {
          type: 'email.clicked',
          provider_event_id: 'e1',
          recipient: 'a@b.example',
          engagement: { url: 'https://a.example', ip: '1.2.3.4' },
        },
      ],
    },
    {
      when: 'a form',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'event=opened&email=a%40b.example',
      events: [{ type: 'email.opened', recipient: 'a@b.example' }],
    },
    {
      when: 'a form with JSON in its one field',
      body: 'payload=%5B%7B%22event%22%3A%22delivered%22%2C%22to%22%3A%22a%40b.example%22%7D%5D',
      events: [{ type: 'email.delivered', recipient: 'a@b.example' }],
    },
    {
      when: 'JSON Lines',
      body: '{"event":"open","email":"a@b.example"}\n{"event":"spam","email":"a@b.example"}',
      events: [{ type: 'email.opened' }, { type: 'email.complained' }],
    },
    {
      when: 'a type that nobody knows',
      body: { event: 'teleported', email: 'a@b.example' },
      events: [{ type: 'email.unknown' }],
    },
  ],
  signing: {
    body: '{"event":"open","email":"a@b.example"}',
    secret: 'generic secret',
    otherSecret: 'another',
    nowMs: 0,
    coversBody: true,
    signatureHeaders: [],
    isOptional: true,
    sign: (body) => ({
      headers: { 'X-Hub-Signature-256': `sha256=${hmac('generic secret', body)}` },
    }),
  },
});

describe('generic with a mapping', () => {
  const mapped = createGenericProvider({
    mapping: {
      entries: '$.batch[*]',
      fields: {
        type: 'k',
        recipient: "$['to whom']",
        timestamp: ['at.ms', 'at.s'],
        tags: 'labels',
        smtp_code: 'codes[1]',
        bounce_type: 'kind',
        metadata: 'vars',
      },
      types: { 17: 'email.bounced', 18: 'email.delivered' },
    },
    signature: {
      header: 'X-Sig',
      prefix: 't=',
      signed: '{timestamp}.{body}',
      timestampHeader: 'X-Time',
      encoding: 'hex',
    },
  });

  test('finds the events and their fields', () => {
    const body = {
      batch: [
        {
          k: 17,
          'to whom': 'A@B.example',
          at: { s: 1700000000 },
          labels: ['x'],
          codes: [0, 550],
          kind: 'permanent',
          vars: { a: 1 },
        },
        { k: 18, 'to whom': 'c@d.example' },
      ],
    };
    const [first, second] = mapped.decode(requestOf({ body }));
    assert.equal(first?.type, 'email.bounced');
    assert.equal(first?.timestamp, '2023-11-14T22:13:20Z');
    assert.equal(first?.data.recipient, 'A@b.example');
    assert.equal(first?.data.bounce?.type, 'hard');
    assert.equal(first?.data.delivery?.smtp_code, 550);
    assert.deepEqual(first?.data.metadata, { a: 1 });
    assert.equal(second?.type, 'email.delivered');
  });

  test('checks the signature that it describes', async () => {
    const body = Buffer.from('{"batch":[]}');
    const verify =
      (headers: Record<string, string>, nowMs = 1_700_000_000_000) =>
      async () =>
        mapped.verify(requestOf({ body, headers }), { secrets: ['k'], nowMs });
    const headers = { 'x-sig': `t=${hmac('k', `1700000000.${body}`)}`, 'x-time': '1700000000' };
    assert.equal((await verify(headers)()).covers, 'body');
    await assert.rejects(verify({ ...headers, 'x-time': '1700000001' }), { code: 'bad_signature' });
    await assert.rejects(verify({ 'x-sig': headers['x-sig'] }), { code: 'missing_signature' });
    await assert.rejects(verify(headers, 1_700_001_000_000), { code: 'timestamp_out_of_range' });
  });

  test('says so when the path to the events is none', () => {
    const broken = createGenericProvider({ mapping: { entries: '$.[', fields: { type: 'k' } } });
    assert.throws(() => broken.decode(requestOf({ body: {} })), { code: 'invalid_payload' });
  });
});
