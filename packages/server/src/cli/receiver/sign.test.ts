import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodePrivateKey, encodeSecret, publicKeyOf } from '@posthorn/sdk';
import { Webhook } from 'standardwebhooks';
import { type SignInput, signWebhook } from './sign.ts';
import { verifyWebhook } from './verify.ts';
import type { ProviderInput } from './webhook/provider-request.ts';

const NOW_MS = Date.now();
const SECRET = encodeSecret(Buffer.alloc(32, 7));
const BODY =
  '{"type":"email.bounced","timestamp":"2026-11-21T16:00:00Z","data":{"recipient":"a@b.example"}}';
const folder = mkdtempSync(join(tmpdir(), 'posthorn-sign-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function createWorld(request: unknown) {
  const out: string[] = [];
  const err: string[] = [];
  const world = {
    readInput: () => (typeof request === 'string' ? request : JSON.stringify(request)),
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
    nowMs: () => NOW_MS,
    fetchKey: async () => assert.fail('fetched'),
  };
  return { world, out, err };
}

async function sign(request: unknown, input: Partial<SignInput> = {}) {
  const { world, out, err } = createWorld(request);
  const code = await signWebhook(
    { dialect: 'standard', secret: SECRET, json: true, ...input },
    world,
  );
  return { code, out, err };
}

async function verify(request: unknown, input: Partial<ProviderInput> = {}) {
  const { world, out, err } = createWorld(request);
  const given = { provider: 'standard', secrets: [SECRET], json: true, ...input };
  const code = await verifyWebhook(given, world);
  return { code, out, err };
}

test('signs a request that the official library verifies, and prints its headers', async () => {
  const { code, out } = await sign({ body: BODY }, { json: false, id: 'evt_1' });
  assert.equal(code, 0);
  const headers = Object.fromEntries(out.map((line) => line.split(': ') as [string, string]));
  assert.equal(headers['webhook-id'], 'evt_1');
  assert.equal(headers['content-type'], 'application/json');
  assert.deepEqual(new Webhook(SECRET).verify(BODY, headers), JSON.parse(BODY));
});

test('what it prints as JSON is what verify reads, in each dialect', async () => {
  const pem = (pair: {
    privateKey: { export(o: object): unknown };
    publicKey: { export(o: object): unknown };
  }) => ({
    secret: String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    known: String(pair.publicKey.export({ type: 'spki', format: 'pem' })),
  });
  const seed = encodePrivateKey(Buffer.alloc(32, 9));
  const keys: [string, { secret: string; known: string }][] = [
    ['standard', { secret: SECRET, known: SECRET }],
    ['standard', { secret: seed, known: publicKeyOf(seed) }],
    ['cloudevents', { secret: SECRET, known: SECRET }],
    ['frontengine', { secret: 's3cret', known: 's3cret' }],
    ['sendarix', { secret: 's3cret', known: 's3cret' }],
    ['mailchannels', pem(generateKeyPairSync('ed25519'))],
    ['postal', pem(generateKeyPairSync('rsa', { modulusLength: 2_048 }))],
    ['sendgrid', pem(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }))],
  ];
  for (const [provider, { secret, known }] of keys) {
    const signed = await sign({ body: BODY }, { dialect: provider, secret });
    assert.equal(signed.code, 0, signed.err[0]);
    const request = JSON.parse(signed.out[0] ?? '');
    const checked = await verify(request, { provider, secrets: [known] });
    assert.equal(checked.code, 0, `${provider}: ${checked.err[0]}`);
    assert.deepEqual(JSON.parse(checked.out[0] ?? ''), {
      valid: true,
      provider,
      covers: 'body',
      replay_key: null,
    });
    const changed = { ...request, body: request.body.replace('a@b', 'c@d') };
    const refused = await verify(changed, { provider, secrets: [known] });
    assert.equal(refused.code, 1);
    assert.equal(JSON.parse(refused.err[0] ?? '').code, 'bad_signature');
  }
});

test('verify says what the signature covers, and how old it may be is for the caller to say', async () => {
  const timestamp = Math.floor(NOW_MS / 1_000) - 3_600;
  const request = JSON.parse((await sign({ body: BODY }, { timestamp })).out[0] ?? '');
  assert.match((await verify(request, { json: false })).out[0] ?? '', /covers the whole body/);
  const strict = await verify(request, { toleranceSeconds: 300 });
  assert.equal(strict.code, 1);
  assert.equal(JSON.parse(strict.err[0] ?? '').code, 'timestamp_out_of_range');
});

test('verify ends with 2 for a provider that is not known', async () => {
  const { code, err } = await verify({ body: BODY }, { provider: 'sendgird' });
  assert.equal(code, 2);
  assert.match(JSON.parse(err[0] ?? '').message, /Did you mean "sendgrid"/);
});

test('keeps the headers that it was given, and takes the secret from a file', async () => {
  const file = join(folder, 'secret');
  writeFileSync(file, `${SECRET}\n`);
  const given = {
    url: 'https://example.com/hook',
    headers: { 'Content-Type': 'text/x' },
    body: BODY,
  };
  const { out } = await sign(given, { secret: `@${file}` });
  const signed = JSON.parse(out[0] ?? '');
  assert.equal(signed.headers['content-type'], 'text/x');
  assert.equal(signed.url, given.url);
  assert.deepEqual(new Webhook(SECRET).verify(BODY, signed.headers), JSON.parse(BODY));
});

const RSA = String(
  generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }),
);

test('a wrong dialect or secret is misuse, and what is no request is said', async () => {
  const cases: [unknown, Partial<SignInput>, number, RegExp][] = [
    [{ body: BODY }, { dialect: 'sendgird' }, 2, /Did you mean "sendgrid"/],
    [{ body: BODY }, { dialect: 'brevo' }, 2, /no dialect "brevo"/],
    [{ body: BODY }, { secret: 'whsec_???' }, 2, /--secret/],
    [{ body: BODY }, { dialect: 'postal', secret: 'text' }, 2, /private key as PEM/],
    [{ body: BODY }, { dialect: 'ses', secret: RSA }, 2, /only a server can send/],
    [{ body: BODY }, { dialect: 'sendgrid', secret: RSA }, 2, /signs with ecdsa, .* key for rsa/],
    [{ body: BODY }, { timestamp: Number.NaN }, 2, /--timestamp/],
    ['no JSON', {}, 1, /Standard input is not JSON/],
  ];
  for (const [request, input, wanted, message] of cases) {
    const { code, err, out } = await sign(request, input);
    assert.equal(code, wanted);
    assert.match(JSON.parse(err[0] ?? '').message, message);
    assert.deepEqual(out, []);
  }
});
