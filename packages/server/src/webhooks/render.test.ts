import assert from 'node:assert/strict';
import test from 'node:test';
import { type EventData, encodeSecret, verifyStandardWebhook } from '@posthorn/sdk';
import type { EndpointSecrets, SigningKeyRecord } from '../core/webhooks/endpoint-settings.ts';
import {
  type EndpointFields,
  makeDelivery,
  makeLiveEndpoint,
  SIGNING_KEY,
} from './fixtures/make-endpoint.ts';
import type { ReadyDelivery } from './lane.ts';
import type { PostUnit } from './post-unit.ts';
import { type RenderedPost, renderStandard } from './render.ts';

function delivery(eventId: string, data: EventData = {}, second = 0): ReadyDelivery {
  const timestamp = `2026-11-20T10:00:0${second}.000Z`;
  const event = { id: eventId, type: 'email.opened', timestamp, data };
  return makeDelivery(eventId, { type: 'email.opened', body: JSON.stringify(event) });
}

const single = (one: ReadyDelivery): PostUnit => ({
  deliveries: [one],
  groups: null,
  isBatch: false,
});

const batchOf = (...groups: ReadyDelivery[][]): PostUnit => ({
  deliveries: groups.flat(),
  groups,
  isBatch: true,
});

const oneOf = (...alike: ReadyDelivery[]): PostUnit => ({
  deliveries: alike,
  groups: [alike],
  isBatch: false,
});

function keyOf(secret: string, fields: Partial<SigningKeyRecord> = {}): SigningKeyRecord {
  return { ...SIGNING_KEY, secret, ...fields };
}

async function render(
  unit: PostUnit,
  {
    nowMs = 0,
    keys = [SIGNING_KEY],
    headers = {},
    ...fields
  }: EndpointFields & {
    nowMs?: number;
    keys?: SigningKeyRecord[];
    headers?: EndpointSecrets['headers'];
  } = {},
) {
  const endpoint = await makeLiveEndpoint(fields, { keys, headers, clientKey: null });
  const post = renderStandard(unit, endpoint, nowMs);
  return { ...post, named: namedOf(post), parsed: JSON.parse(Buffer.from(post.body).toString()) };
}

function namedOf({ headers }: RenderedPost): Record<string, string> {
  const named: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) named[headers[i] ?? ''] = headers[i + 1] ?? '';
  return named;
}

/** Published with Standard Webhooks: github.com/standard-webhooks/standard-webhooks, JavaScript tests. */
test("the specification's own vector comes out", async () => {
  const { signature, named } = await render(
    single(makeDelivery('msg_p5jXN8AQM9LWM0D4loKWxJek', { body: '{"test": 2432232314}' })),
    {
      keys: [keyOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')],
      nowMs: 1_614_265_330_000,
    },
  );
  assert.equal(signature, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  assert.equal(named['webhook-signature'], signature);
});

test('the stamp is whole seconds, and the signature is over just these bytes', async () => {
  const secret = encodeSecret(Buffer.alloc(32, 3));
  const one = delivery('evt_1', { message: { id: 'msg_1', subject: 'Grüße' } });
  const { body, named } = await render(single(one), {
    keys: [keyOf(secret)],
    nowMs: 1_700_000_000_999,
  });
  assert.equal(Buffer.from(body).toString(), one.body);
  assert.equal(named['webhook-timestamp'], '1700000000');
  assert.equal(named['content-type'], 'application/json');
  const nowMs = 1_700_000_000_000;
  assert.equal(verifyStandardWebhook({ secret, body, headers: named, nowMs }).id, 'evt_1');
  const changed = Buffer.concat([body, Buffer.from(' ')]);
  assert.throws(() => verifyStandardWebhook({ secret, body: changed, headers: named, nowMs }));
});

test('while a secret is replaced, a receiver with either of the two can verify', async () => {
  const [old, fresh] = [encodeSecret(Buffer.alloc(32, 1)), encodeSecret(Buffer.alloc(32, 2))];
  const { body, named } = await render(single(delivery('evt_1')), {
    keys: [keyOf(fresh), keyOf(old, { id: 'sk_2', expiresAtMs: 1 })],
  });
  assert.equal(named['webhook-signature']?.split(' ').length, 2);
  for (const secret of [old, fresh]) {
    assert.doesNotThrow(() => verifyStandardWebhook({ secret, body, headers: named, nowMs: 0 }));
  }
  const other = encodeSecret(Buffer.alloc(32, 9));
  assert.throws(() => verifyStandardWebhook({ secret: other, body, headers: named, nowMs: 0 }));
});

test('a key that was replaced signs until its end and not a millisecond longer', async () => {
  const old = keyOf(encodeSecret(Buffer.alloc(32, 1)), { id: 'sk_2', expiresAtMs: 5_000 });
  const signaturesAt = async (nowMs: number): Promise<number> => {
    const { signature } = await render(single(delivery('evt_1')), {
      keys: [SIGNING_KEY, old],
      nowMs,
    });
    return signature.split(' ').length;
  };
  assert.equal(await signaturesAt(4_999), 2);
  assert.equal(await signaturesAt(5_000), 1);
});

test('its own headers go with every post, those whose values are secret too', async () => {
  const { named } = await render(single(delivery('evt_1')), {
    settings: { headers: { 'X-Tenant': '7' } },
    headers: { Authorization: 'Bearer abc' },
  });
  assert.equal(named['X-Tenant'], '7');
  assert.equal(named['Authorization'], 'Bearer abc');
  assert.equal(named['webhook-id'], 'evt_1');
});

test('a batch is an array of the same bodies, with an id that the same events give again', async () => {
  const [a, b] = [delivery('evt_1', { tags: ['x'] }), delivery('evt_2', { tags: ['y'] })];
  const { id, parsed, named } = await render(batchOf([a], [b]));
  assert.deepEqual(parsed, [JSON.parse(a.body), JSON.parse(b.body)]);
  assert.match(id, /^bat_[\w-]{26}$/);
  assert.equal(named['webhook-id'], id);
  assert.equal((await render(batchOf([a], [b]), { nowMs: 9_000 })).id, id);
  assert.notEqual((await render(batchOf([a]))).id, id);
});

test('opens that repeat are the first of them, with how many there were', async () => {
  const alike = [1, 2, 3].map((n) => delivery(`evt_${n}`, { recipient: 'x@example.com' }, n));
  const { id, parsed } = await render(oneOf(...alike));
  assert.match(id, /^coa_/);
  assert.deepEqual(parsed, {
    ...JSON.parse(alike[0]?.body ?? ''),
    data: {
      recipient: 'x@example.com',
      coalesced: {
        count: 3,
        last_at: '2026-11-20T10:00:03.000Z',
        event_ids: ['evt_1', 'evt_2', 'evt_3'],
      },
    },
  });
  const other = delivery('evt_4', { recipient: 'y@example.com' });
  const batch = await render(batchOf(alike, [other]));
  assert.deepEqual(batch.parsed, [parsed, JSON.parse(other.body)]);
});

test('an endpoint that must not see recipients sees none, in batches and in what repeats', async () => {
  const recipient = 'jane@example.com';
  const alike = [1, 2].map((n) => delivery(`evt_${n}`, { recipient }, n));
  for (const unit of [single(alike[0] ?? delivery('')), batchOf(alike), oneOf(...alike)]) {
    const { body } = await render(unit, { settings: { redactRecipient: 'remove' } });
    const text = Buffer.from(body).toString();
    assert.doesNotMatch(text, /jane/);
    assert.match(text, /"recipient":null/);
  }
});
