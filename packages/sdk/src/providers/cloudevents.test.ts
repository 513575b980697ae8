import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cloudevents } from './cloudevents.ts';
import { describeProvider, requestOf } from './fixtures/describe-provider.ts';

const own = {
  specversion: '1.0',
  id: 'evt_01M7ZP27YYSGFWD5FYXB75Q5B6',
  source: '/sources/src_1',
  type: 'email.bounced',
  subject: 'bounce@sandbox.test',
  time: '2026-11-21T18:31:57.662Z',
  datacontenttype: 'application/json',
  data: {
    provider: 'posthorn',
    recipient: 'bounce@sandbox.test',
    bounce: { type: 'hard', category: 'other', scope: 'recipient' },
  },
};

const foreign = {
  specversion: '1.0',
  id: 'a-1',
  source: '/mail',
  type: 'com.example.email.bounced',
  subject: 'jane@Example.com',
  time: '2024-01-01T01:00:00+01:00',
  data: { message_id: 'm', bounce_type: 'hard', reason: '550 5.1.1 unknown user' },
};

describeProvider(cloudevents, {
  cases: [
    {
      when: 'an event of a Posthorn as it was',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: own,
      events: [{ id: own.id, type: 'email.bounced', timestamp: own.time, ...own.data }],
    },
    {
      when: 'an event of somebody else, whose type has a prefix',
      body: foreign,
      events: [
        {
          type: 'email.bounced',
          timestamp: '2024-01-01T00:00:00Z',
          provider_event_id: 'a-1',
          provider_type: 'com.example.email.bounced',
          recipient: 'jane@example.com',
          'message.provider_id': 'm',
          'bounce.category': 'invalid_address',
        },
      ],
    },
    {
      when: 'a batch',
      headers: { 'content-type': 'application/cloudevents-batch+json' },
      body: [own, foreign],
      events: [{ id: own.id }, { provider_event_id: 'a-1' }],
    },
    {
      when: 'the binary mode',
      headers: {
        'ce-specversion': '1.0',
        'CE-Type': 'email.opened',
        'ce-id': 'b-1',
        'ce-source': '/mail',
        'ce-time': '2024-01-01T00:00:00Z',
        'ce-subject': 'jane%40example.com',
        'content-type': 'application/json',
      },
      body: '{"ip":"1.2.3.4","user_agent":"Moz"}',
      events: [
        {
          type: 'email.opened',
          provider_event_id: 'b-1',
          recipient: 'jane@example.com',
          engagement: { ip: '1.2.3.4', user_agent: 'Moz' },
        },
      ],
    },
    {
      when: 'data in base64',
      body: {
        ...foreign,
        data: undefined,
        data_base64: Buffer.from('{"message_id":"z"}').toString('base64'),
      },
      events: [{ 'message.provider_id': 'z' }],
    },
    {
      when: 'a type that nobody knows',
      body: { ...foreign, type: 'com.example.invoice.paid' },
      events: [{ type: 'email.unknown' }],
    },
  ],
});

test('OPTIONS is answered for the origin that asks', () => {
  const request = requestOf({
    method: 'OPTIONS',
    headers: { 'WebHook-Request-Origin': 'events.example.com' },
  });
  assert.equal(
    cloudevents.handshake?.(request)?.headers['webhook-allowed-origin'],
    'events.example.com',
  );
  assert.deepEqual(cloudevents.decode(request), []);
  assert.equal(cloudevents.handshake?.(requestOf({ body: own })), null);
});

test('a bearer token counts, or the signature of Standard Webhooks', async () => {
  const request = requestOf({ body: own, headers: { authorization: 'Bearer s3cret' } });
  assert.equal(
    (await cloudevents.verify(request, { secrets: ['bearer:s3cret'], nowMs: 0 })).covers,
    'none',
  );
  assert.equal((await cloudevents.verify(request, { secrets: [], nowMs: 0 })).covers, 'none');
  await assert.rejects(
    async () => cloudevents.verify(request, { secrets: ['bearer:x'], nowMs: 0 }),
    { code: 'bad_signature' },
  );
  await assert.rejects(
    async () =>
      cloudevents.verify(request, {
        secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
        nowMs: 0,
      }),
    { code: 'missing_signature' },
  );
});
