import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import fc from 'fast-check';
import { WebhookError } from '../errors.ts';
import { signStandardWebhook, verifyStandardWebhook } from './standard-webhooks.ts';
import {
  decodeSecret,
  encodePrivateKey,
  encodeSecret,
  importJwks,
  importSecret,
  importVerifier,
  publicKeyOf,
} from './standard-webhooks-keys.ts';

const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const TIMESTAMP = 1_614_265_330;
const BODY = '{"test": 2432232314}';
const PRIVATE_KEY = encodePrivateKey(Buffer.alloc(32, 7));
const SECRET = encodeSecret(Buffer.alloc(32, 9));

function sign(key: string, body: string | Uint8Array = BODY): string {
  return signStandardWebhook({ key: importSecret(key), id: ID, timestamp: TIMESTAMP, body });
}

/** `accepted`, or the code of the error. */
function verify(
  secret: Parameters<typeof verifyStandardWebhook>[0]['secret'],
  signature: string,
  body: string | Uint8Array = BODY,
): string {
  const headers = {
    'webhook-id': ID,
    'webhook-timestamp': String(TIMESTAMP),
    'webhook-signature': signature,
  };
  return codeOf(() => verifyStandardWebhook({ secret, body, headers, nowMs: TIMESTAMP * 1_000 }));
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof WebhookError, String(error));
    return error.code;
  }
  return 'accepted';
}

const vectors = new URL('../../../../../shared/corpora/signatures/', import.meta.url);
const skip = existsSync(vectors) ? false : 'allowed: the folder shared/corpora is not here';

test('the published vector of v1a comes out the same, and its public key verifies it', {
  skip,
}, () => {
  const list = JSON.parse(readFileSync(new URL('standard-webhooks.json', vectors), 'utf8'));
  const published = list.filter((one: { signature: string }) => one.signature.startsWith('v1a,'));
  assert.ok(published.length > 0);
  for (const { secret, public_key, id, timestamp, body, signature } of published) {
    const key = importSecret(secret);
    assert.equal(signStandardWebhook({ key, id, timestamp, body }), signature);
    assert.equal(publicKeyOf(secret), public_key);
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature,
    };
    const nowMs = timestamp * 1_000;
    assert.equal(
      verifyStandardWebhook({ secret: public_key, body, headers, nowMs }).timestamp,
      timestamp,
    );
  }
});

test('what a private key signs is verified by its public key, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.json(), (seed, json) => {
      const key = encodePrivateKey(seed);
      const signature = sign(key, json);
      assert.match(signature, /^v1a,[A-Za-z0-9+/]{86}==$/);
      assert.equal(verify(publicKeyOf(key), signature, Buffer.from(json)), 'accepted');
      assert.equal(verify(publicKeyOf(key), signature, `${json} `), 'bad_signature');
    }),
    { numRuns: 25 },
  );
});

test('the public key is taken in each form that a receiver may have it in', () => {
  const signature = sign(PRIVATE_KEY);
  const publicKey = publicKeyOf(PRIVATE_KEY);
  const pem = importVerifier(publicKey).export({ type: 'spki', format: 'pem' });
  assert.equal(verify(publicKey, signature), 'accepted');
  assert.equal(verify(PRIVATE_KEY, signature), 'accepted');
  assert.equal(verify(createPublicKey(pem), signature), 'accepted');
  assert.equal(verify(importSecret(PRIVATE_KEY), signature), 'accepted');
});

test('of several signatures any may match, and versions that nobody knows count for nothing', () => {
  const other = encodePrivateKey(Buffer.alloc(32, 1));
  const mixed = `v2,AAAA ${sign(other)} v1 , ${sign(SECRET)} ${sign(PRIVATE_KEY)}`;
  for (const secret of [publicKeyOf(PRIVATE_KEY), publicKeyOf(other), SECRET]) {
    assert.equal(verify(secret, mixed), 'accepted');
  }
  const stranger = encodePrivateKey(Buffer.alloc(32, 2));
  assert.equal(verify(publicKeyOf(stranger), mixed), 'bad_signature');
  assert.equal(verify([publicKeyOf(stranger), SECRET], mixed), 'accepted');
});

test('a signature of one version is none of the other', () => {
  const bytes = sign(PRIVATE_KEY).slice('v1a,'.length);
  assert.equal(verify(publicKeyOf(PRIVATE_KEY), `v1,${bytes}`), 'bad_signature');
  assert.equal(verify(SECRET, `v1a,${sign(SECRET).slice(3)}`), 'bad_signature');
  // A shared secret must never be made of a public key, which everybody knows.
  const forged = Buffer.from(publicKeyOf(PRIVATE_KEY).slice(5), 'base64');
  const signature = signStandardWebhook({ key: forged, id: ID, timestamp: TIMESTAMP, body: BODY });
  assert.equal(verify(publicKeyOf(PRIVATE_KEY), signature), 'bad_signature');
});

test('an endless header is not checked to its end', () => {
  const header = `${Array(40).fill('v1a,AAAA').join(' ')} ${sign(PRIVATE_KEY)}`;
  assert.equal(verify(publicKeyOf(PRIVATE_KEY), header), 'bad_signature');
});

test('a JWKS document gives its Ed25519 keys and leaves out the others', () => {
  const ours = importVerifier(publicKeyOf(PRIVATE_KEY)).export({ format: 'jwk' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  const x448 = { kty: 'OKP', crv: 'X448', x: 'AAAA' };
  const keys = [rsa.export({ format: 'jwk' }), x448, { ...ours, kid: 'a', use: 'sig' }, null];
  const imported = importJwks({ keys });
  assert.equal(imported.length, 1);
  assert.equal(verify(imported, sign(PRIVATE_KEY)), 'accepted');
  assert.deepEqual(importJwks({ keys: [] }), []);
  for (const wrong of [null, [], 'x', {}, { keys: {} }, { keys: [{ ...ours, x: 'AAAA' }] }]) {
    assert.equal(
      codeOf(() => importJwks(wrong)),
      'invalid_secret',
      JSON.stringify(wrong),
    );
  }
});

test('keys that are cut, swapped or of the wrong size are refused', () => {
  const bytes = Buffer.from(PRIVATE_KEY.slice(5), 'base64');
  const mismatched = Buffer.concat([bytes.subarray(0, 32), Buffer.alloc(32, 3)]);
  for (const wrong of [
    'whsk_',
    'whpk_',
    PRIVATE_KEY.slice(0, -8),
    `whsk_${bytes.subarray(0, 32).toString('base64')}`,
    `whsk_${mismatched.toString('base64')}`,
    `whpk_${bytes.toString('base64')}`,
    'whpk_!!!!',
  ]) {
    assert.equal(
      codeOf(() => importVerifier(wrong)),
      'invalid_secret',
      wrong,
    );
  }
  for (const key of [PRIVATE_KEY, publicKeyOf(PRIVATE_KEY)]) {
    assert.equal(
      codeOf(() => decodeSecret(key)),
      'invalid_secret',
    );
  }
  assert.equal(
    codeOf(() => encodePrivateKey(Buffer.alloc(31))),
    'invalid_secret',
  );
  assert.equal(
    codeOf(() => encodeSecret(Buffer.alloc(23))),
    'invalid_secret',
  );
  assert.equal(
    codeOf(() => encodeSecret(Buffer.alloc(65))),
    'invalid_secret',
  );
});
