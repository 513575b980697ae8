import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { after, type TestContext, test } from 'node:test';
import {
  encodePrivateKey,
  encodeSecret,
  importJwks,
  publicKeyOf,
  verifyStandardWebhook,
} from '@posthorn/sdk';
import { Webhook } from 'standardwebhooks';
import type { ReadyDelivery } from '../webhooks/lane.ts';
import { renderStandard } from '../webhooks/render.ts';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const HOUR_MS = 3_600_000;
const BODY = '{"id":"evt_1","type":"system.test","timestamp":"2026-11-21T16:00:00Z","data":{}}';

async function create(fields: Json = {}): Promise<Json> {
  const body = { url: 'https://app.example.com/hook', ...fields };
  const answer = await api.send('POST', '/v1/endpoints', { body });
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

const rotate = (id: string, body?: Json) =>
  api.send('POST', `/v1/endpoints/${id}/secret/rotate`, body === undefined ? {} : { body });
const secretsOf = async (id: string) => (await api.send('GET', `/v1/endpoints/${id}/secret`)).body;
const jwksOf = (id: string) => api.send('GET', `/v1/endpoints/${id}/jwks.json`, { key: null });

/** A post of this endpoint as it would go out now. */
function post(id: string): { headers: Record<string, string>; nowMs: number } {
  const endpoint = api.directory.find(api.projectId, id) ?? assert.fail();
  const nowMs = api.now();
  const delivery = { eventId: 'evt_1', body: BODY } as ReadyDelivery;
  const unit = { deliveries: [delivery], groups: null, isBatch: false };
  const { headers } = renderStandard(unit, endpoint, nowMs);
  const pairs = headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]]] : []));
  return { headers: Object.fromEntries(pairs), nowMs };
}

/** Whether somebody who knows this key accepts a post of now. */
function accepts(
  id: string,
  secret: Parameters<typeof verifyStandardWebhook>[0]['secret'],
): boolean {
  const { headers, nowMs } = post(id);
  try {
    verifyStandardWebhook({ secret, body: BODY, headers, nowMs });
    return true;
  } catch {
    return false;
  }
}

/** The same, asked of the reference library. */
function libraryAccepts(t: TestContext, id: string, secret: string): boolean {
  const { headers, nowMs } = post(id);
  t.mock.timers.enable({ apis: ['Date'], now: nowMs });
  try {
    new Webhook(secret).verify(BODY, headers);
    return true;
  } catch {
    return false;
  } finally {
    t.mock.timers.reset();
  }
}

test('during the overlap, who knows only the old or only the new secret accepts every post', async (t) => {
  const { id, secret: old } = await create();
  const answer = await rotate(id, { overlap: '2h' });
  assert.equal(answer.status, 200);
  const { secret: next } = answer.body;
  assert.match(next, /^whsec_/);
  for (const _hour of [0, 1]) {
    for (const secret of [old, next]) {
      assert.ok(libraryAccepts(t, id, secret));
      assert.ok(accepts(id, secret));
    }
    api.advance(HOUR_MS - 60_000);
  }
  // Nothing happens at the end of the overlap but that time passes.
  api.advance(120_000);
  assert.equal(libraryAccepts(t, id, old), false);
  assert.ok(libraryAccepts(t, id, next));
  assert.equal(post(id).headers['webhook-signature']?.split(' ').length, 1);
});

test('the current secret signs first, and several old ones beside it', async () => {
  const { id, secret: first } = await create();
  const secrets = [first];
  for (let i = 0; i < 3; i++) secrets.unshift((await rotate(id)).body.secret);
  const { headers, nowMs } = post(id);
  const entries = headers['webhook-signature']?.split(' ') ?? [];
  assert.equal(entries.length, 4);
  for (const [i, secret] of secrets.entries()) {
    const one = { ...headers, 'webhook-signature': entries[i] };
    verifyStandardWebhook({ secret, body: BODY, headers: one, nowMs });
  }
});

test('the overlap is a day unless it is said, and without one only the new secret signs', async () => {
  const { id, secret: first } = await create();
  const { keys } = (await rotate(id)).body;
  const [current, old] = keys;
  assert.equal(current.expires_at, null);
  assert.equal(Date.parse(old.expires_at) - Date.parse(current.created_at), 24 * HOUR_MS);
  const { body } = await rotate(id, { overlap: '0s' });
  assert.equal(body.keys.length, 1);
  assert.equal(accepts(id, first), false);
  assert.ok(accepts(id, body.secret));
});

test('secrets are shown when they are made, and never again', async () => {
  const { id, secret } = await create();
  const { secret: next } = (await rotate(id)).body;
  for (const path of ['', '/secret']) {
    const { text } = await api.send('GET', `/v1/endpoints/${id}${path}`);
    for (const hidden of [secret, next]) assert.ok(!text.includes(hidden.slice(6, 30)));
  }
  const { keys, signature } = await secretsOf(id);
  assert.equal(signature, 'v1');
  assert.deepEqual(
    keys.map((key: Json) => [key.signature, key.public_key, key.expires_at === null]),
    [
      ['v1', null, true],
      ['v1', null, false],
    ],
  );
  const stored = await api.store.endpoints.get(api.projectId, id);
  assert.ok(!JSON.stringify(stored).includes(secret.slice(6, 30)));
});

test('expired secrets are not listed, and are gone with the next change', async () => {
  const { id } = await create();
  await rotate(id, { overlap: '1h' });
  const sealed = async () => {
    const record = await api.store.endpoints.get(api.projectId, id);
    return api.directory.secretsOf(record ?? assert.fail()).keys.length;
  };
  assert.equal((await secretsOf(id)).keys.length, 2);
  api.advance(HOUR_MS);
  assert.equal((await secretsOf(id)).keys.length, 1);
  assert.equal(await sealed(), 2);
  await api.send('PATCH', `/v1/endpoints/${id}`, { body: { description: 'x' } });
  assert.equal(await sealed(), 1);
});

test('at most ten old secrets sign; the next rotation has to end them', async () => {
  const { id } = await create();
  for (let i = 0; i < 10; i++) assert.equal((await rotate(id)).status, 200);
  assertProblem(await rotate(id), 'conflict', /10 old secrets/);
  assert.equal((await rotate(id, { overlap: '0s' })).body.keys.length, 1);
});

test('a secret of ones own is taken at the creation and at a rotation', async (t) => {
  const own = encodeSecret(Buffer.alloc(24, 1));
  const created = await create({ secret: own });
  assert.equal(created.secret, own);
  assert.ok(libraryAccepts(t, created.id, own));
  const next = encodeSecret(Buffer.alloc(64, 2));
  assert.equal((await rotate(created.id, { secret: next })).body.secret, next);
  assert.ok(libraryAccepts(t, created.id, next));
  const asymmetric = await create({ secret: encodePrivateKey(Buffer.alloc(32, 3)) });
  assert.equal(asymmetric.signature, 'v1a');
});

test('a secret that cannot sign, or signs already, is refused', async () => {
  const own = encodeSecret(Buffer.alloc(32, 4));
  const { id } = await create({ secret: own });
  const short = `whsec_${Buffer.alloc(23).toString('base64')}`;
  const cases: [Json, string, RegExp][] = [
    [{ secret: short }, '/secret', /24 to 64 bytes; this one has 23/],
    [{ secret: 'hunter2' }, '/secret', /"whsec_"/],
    [{ secret: 'whsk_AAAA' }, '/secret', /64 bytes/],
    [{ secret: own }, '/secret', /signs already/],
    [{ secret: encodeSecret(Buffer.alloc(32, 5)), signature: 'v1a' }, '/secret', /signs as v1,/],
    [{ signature: 'v1b' }, '/signature', /v1, v1a/],
    [{ overlap: '8d' }, '/overlap', /to 7d/],
    [{ overlap: -1 }, '/overlap', /as text/],
    [{ overlp: '1h' }, '/overlp', /"overlap"/],
  ];
  for (const [body, pointer, detail] of cases) {
    const answer = await rotate(id, body);
    assertProblem(answer, 'invalid_field', detail);
    assert.equal(answer.body.errors[0].pointer, pointer);
  }
  assert.equal((await secretsOf(id)).version, 1);
});

test('an endpoint may sign with Ed25519, and everybody may ask for its public keys', async () => {
  const { id, secret, signature } = await create({ signature: 'v1a' });
  assert.equal(signature, 'v1a');
  assert.match(secret, /^whsk_/);
  const publicKey = publicKeyOf(secret);
  assert.ok(accepts(id, publicKey));
  assert.match(post(id).headers['webhook-signature'] ?? '', /^v1a,\S+$/);

  const { body: shown } = await api.send('GET', `/v1/endpoints/${id}/public-key`);
  assert.equal(shown.public_key, publicKey);
  assert.ok(accepts(id, createPublicKey(shown.pem)));
  const jwks = await jwksOf(id);
  assert.match(String(jwks.headers['content-type']), /^application\/jwk-set\+json/);
  assert.match(String(jwks.headers['cache-control']), /max-age=300/);
  assert.deepEqual(jwks.body, { keys: [shown.jwk] });
  assert.deepEqual([shown.jwk.kid, shown.jwk.alg], [shown.key_id, 'EdDSA']);
  assert.ok(accepts(id, importJwks(jwks.body)));
  assert.equal((await secretsOf(id)).keys[0].public_key, publicKey);
});

test('during a rotation both public keys are in the document, and each verifies', async () => {
  const { id } = await create({ signature: 'v1a' });
  await rotate(id, { overlap: '1h' });
  const [next, old] = importJwks((await jwksOf(id)).body);
  assert.ok(next !== undefined && accepts(id, next));
  assert.ok(old !== undefined && accepts(id, old));
  api.advance(HOUR_MS);
  assert.equal((await jwksOf(id)).body.keys.length, 1);
  assert.ok(accepts(id, next));
  assert.equal(accepts(id, old), false);
});

test('the kind of signature changes with a rotation, and both kinds sign meanwhile', async (t) => {
  const { id, secret: shared } = await create();
  const patch = await api.send('PATCH', `/v1/endpoints/${id}`, { body: { signature: 'v1a' } });
  assertProblem(patch, 'invalid_field', /secret\/rotate and \{"signature": "v1a"\}/);
  const { body } = await rotate(id, { signature: 'v1a', overlap: '1h' });
  assert.equal(body.signature, 'v1a');
  // A library that has never heard of v1a takes the v1 beside it.
  assert.ok(libraryAccepts(t, id, shared));
  assert.ok(accepts(id, publicKeyOf(body.secret)));
  assert.equal((await api.send('GET', `/v1/endpoints/${id}`)).body.signature, 'v1a');
  // Without another word, the next one is of the same kind.
  assert.match((await rotate(id, { overlap: '1h' })).body.secret, /^whsk_/);
  const back = await rotate(id, { signature: 'v1', overlap: '1h' });
  assert.match(back.body.secret, /^whsec_/);
  assert.equal((await jwksOf(id)).body.keys.length, 2);
});

test('an endpoint with a shared secret has no public keys, and nobody learns that it is there', async () => {
  const { id } = await create({ uid: 'shared' });
  assertProblem(await api.send('GET', `/v1/endpoints/${id}/public-key`), 'not_found', /"v1a"/);
  const unknown = api.ids.next('endpoint');
  const details = [];
  for (const one of [id, 'shared', unknown]) {
    const answer = await jwksOf(one);
    assertProblem(answer, 'not_found');
    details.push(answer.body.detail);
  }
  assert.equal(new Set(details).size, 1);
});
