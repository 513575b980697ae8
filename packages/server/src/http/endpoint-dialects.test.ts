import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { after, test } from 'node:test';
import { findProvider } from '@posthorn/sdk';
import { dialectOf } from '../core/webhooks/dialects.ts';
import { DIALECTS } from '../core/webhooks/endpoint-settings.ts';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const URL = 'https://app.example.com/hook';

async function create(fields: Json): Promise<Json> {
  const answer = await api.send('POST', '/v1/endpoints', { body: { url: URL, ...fields } });
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

const previewOf = async (id: string, query = '') =>
  (await api.send('GET', `/v1/endpoints/${id}/preview${query}`)).body;

test('an endpoint speaks any dialect, and a preview of it is what its provider reads', async () => {
  for (const dialect of DIALECTS) {
    const { id, effective, signature, secret } = await create({ dialect });
    const { lists, signs } = dialectOf(dialect);
    assert.ok(signs[0]);
    assert.equal(signature, signs[0], dialect);
    assert.equal(effective.batch?.max_events ?? null, typeof lists === 'object' ? 1_000 : null);
    assert.equal(secret === null, ['rsa', 'ecdsa', 'ed25519'].includes(signature), dialect);
    const { headers, body, type, url } = await previewOf(id, '?type=email.bounced');
    assert.deepEqual([type, url], ['email.bounced', URL]);
    const provider = findProvider(dialect) ?? assert.fail();
    const named = headers.map(({ name, value }: Json) => [name.toLowerCase(), value]);
    const request = { method: 'POST', url: '', headers: Object.fromEntries(named) };
    const [event] = provider.decode({ ...request, body: Buffer.from(body) });
    assert.equal(event?.type, 'email.bounced', dialect);
  }
});

test('what an endpoint will not get is shown, and a test event is one that it can get', async () => {
  const all = await create({ dialect: 'flexmail' });
  assert.ok(all.effective.left_out.includes('email.accepted'));
  assert.ok(!all.effective.left_out.includes('email.bounced'));
  assert.deepEqual((await create({})).effective.left_out, []);
  const path = `/v1/endpoints/${all.id}/test`;
  const { status, body } = await api.send('POST', path);
  assert.deepEqual([status, body.type], [202, 'email.delivered']);
  const delivery = `/v1/deliveries/${body.delivery_id}?include=body`;
  const { body: shown } = await api.send('GET', delivery);
  assert.deepEqual(Object.keys(JSON.parse(shown.body)).slice(0, 2), ['event', 'timestamp']);
  const refused = await api.send('POST', path, { body: { type: 'email.accepted' } });
  assertProblem(refused, 'invalid_field', /no word for email\.accepted.*email\.delivered/);
  const preview = await api.send('GET', `/v1/endpoints/${all.id}/preview?type=email.accepted`);
  assertProblem(preview, 'invalid_field', /no word for email\.accepted/);
  const mailchannels = await create({ dialect: 'mailchannels' });
  assert.equal((await previewOf(mailchannels.id)).type, 'system.test');
});

test('what does not fit is refused, with the place and what to do', async () => {
  const batch = { max_events: 10, max_wait: '1s' };
  for (const [fields, pointer, detail] of [
    [{ dialect: 'sendgrit' }, '/dialect', /Did you mean "sendgrid"/],
    [{ dialect: 'resend', dialect_options: { mode: 'x' } }, '/dialect_options/mode', /no options/],
    [
      { dialect: 'cloudevents', dialect_options: { mod: 'binary' } },
      '/dialect_options/mod',
      /Did you mean "mode"/,
    ],
    [
      { dialect: 'cloudevents', dialect_options: { mode: 'both' } },
      '/dialect_options/mode',
      /structured or binary/,
    ],
    [{ dialect: 'cloudevents', dialect_options: { mode: 'binary' }, batch }, '/batch', /one event/],
    [{ dialect: 'ses', dialect_options: { topic_arn: 'x' } }, '/dialect_options/topic_arn', /arn:/],
    [{ dialect: 'postmark', batch }, '/batch', /one event in each post/],
    [{ dialect: 'mailgun', coalesce: '10s' }, '/coalesce', /coalesce to null/],
    [{ dialect: 'flexmail', event_types: ['email.*', 'domain.*'] }, '/event_types/1', /domain\.\*/],
    [{ dialect: 'sendgrid', signature: 'v1' }, '/signature', /signs with ecdsa/],
    [{ dialect: 'sendgrid', secret: 'whsec_abcdefgh' }, '/secret', /P-256 in PEM/],
    [{ dialect: 'frontengine', secret: 'short' }, '/secret', /8 to 200/],
    [{ dialect: 'resend', signature: 'v1a' }, '/signature', /signs with v1,/],
  ] as const) {
    const answer = await api.send('POST', '/v1/endpoints', { body: { url: URL, ...fields } });
    assertProblem(answer, 'invalid_field', detail);
    assert.equal(answer.body.errors[0].pointer, pointer, answer.text);
  }
});

test('options go with their dialect, and presets come with a new one', async () => {
  const { id } = await create({
    dialect: 'mailchannels',
    dialect_options: { customer_handle: 'acme' },
  });
  const { headers, body } = await previewOf(id);
  assert.equal(JSON.parse(body)[0].customer_handle, 'acme');
  assert.ok(headers.some(({ name }: Json) => name === 'Content-Digest'));
  const patch = await api.send('PATCH', `/v1/endpoints/${id}`, { body: { dialect: 'standard' } });
  assertProblem(patch, 'invalid_field', /secret\/rotate and \{"dialect": "standard"\}/);
  const rotated = await api.send('POST', `/v1/endpoints/${id}/secret/rotate`, {
    body: { dialect: 'sendarix' },
  });
  assert.equal(rotated.status, 200, rotated.text);
  assert.deepEqual(
    [rotated.body.signature, rotated.body.keys.length, typeof rotated.body.secret],
    ['hmac', 1, 'string'],
  );
  const { body: now } = await api.send('GET', `/v1/endpoints/${id}`);
  assert.deepEqual([now.dialect, now.dialect_options], ['sendarix', {}]);
  assert.deepEqual([now.effective.timeout, now.effective.retry_ladder.length], ['10s', 5]);
});

test('a dialect of the same signature changes by itself, and back', async () => {
  const { id } = await create({});
  const change = (body: Json) => api.send('PATCH', `/v1/endpoints/${id}`, { body });
  assert.equal((await change({ dialect: 'cloudevents' })).status, 200);
  assert.match((await previewOf(id)).body, /^\{"specversion":"1\.0"/);
  const binary = await change({ dialect_options: { mode: 'binary' } });
  assert.deepEqual(binary.body.dialect_options, { mode: 'binary' });
  assert.deepEqual((await change({ dialect: null })).body.dialect_options, {});
});

test('a key pair is told by its public half: as the verifier takes it, as JWKS, as a certificate', async () => {
  const { id } = await create({ dialect: 'sendgrid' });
  const { body: shown } = await api.send('GET', `/v1/endpoints/${id}/public-key`);
  const der = Buffer.from(shown.public_key, 'base64');
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  assert.ok(key.equals(createPublicKey(shown.pem)));
  const jwks = await api.send('GET', `/v1/endpoints/${id}/jwks.json`, { key: null });
  assert.deepEqual([jwks.body.keys[0].kty, jwks.body.keys[0].alg], ['EC', 'ES256']);
  const ses = await create({ dialect: 'ses' });
  const { SigningCertURL: url } = JSON.parse((await previewOf(ses.id)).body);
  const { origin, pathname } = new globalThis.URL(url);
  assert.equal(origin, 'https://posthorn.test');
  const pem = await api.send('GET', pathname, { key: null });
  assert.match(String(pem.headers['content-type']), /x-pem-file/);
  const certificate = new X509Certificate(pem.text);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.match(certificate.subject, /CN=Posthorn/);
  const none = await api.send('GET', `/v1/endpoints/${id}/certificates/sk_1.pem`, { key: null });
  assertProblem(none, 'not_found', /no such certificate/);
});

test('a private key of your own signs on, so that a handler goes on with the key it knows', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  const secret = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const { id } = await create({ dialect: 'postal', secret });
  const { headers, body } = await previewOf(id);
  const named = headers.map(({ name, value }: Json) => [name.toLowerCase(), value]);
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const request = { method: 'POST', url: '', headers: Object.fromEntries(named) };
  const context = { secrets: [pem], nowMs: api.now() };
  await findProvider('postal')?.verify({ ...request, body: Buffer.from(body) }, context);
});

test('an attempt shows the headers that its dialect sent, and a preview hides secret values', async () => {
  const headers = { Authorization: 'Basic c2VjcmV0' };
  const { id } = await create({ dialect: 'postmark', headers });
  const shown = (await previewOf(id)).headers;
  assert.ok(shown.some(({ name, value }: Json) => name === 'Authorization' && value === '***'));
  const own = await api.send('POST', '/v1/endpoints', {
    body: { url: URL, headers: { 'Svix-Id': 'x' } },
  });
  assertProblem(own, 'invalid_field', /set by Posthorn/);
});

test('ses wants to know where this server is reached', async () => {
  const lonely = await startTestApi({ publicUrl: null });
  try {
    const body = { url: URL, dialect: 'ses' };
    const answer = await lonely.send('POST', '/v1/endpoints', { body });
    assertProblem(answer, 'invalid_field', /public_url/);
  } finally {
    await lonely.close();
  }
});
