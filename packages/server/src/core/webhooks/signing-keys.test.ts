import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import test from 'node:test';
import {
  encodePrivateKey,
  encodeSecret,
  importVerifier,
  publicKeyOf,
  SIGNING_KINDS,
} from '@posthorn/sdk';
import type { SigningKeyRecord } from './endpoint-settings.ts';
import {
  createSigningKey,
  explainSecret,
  importPublicKey,
  importSigningKey,
  isSharedSecret,
  kindOfSecret,
  livingKeys,
  MAX_OLD_KEYS,
  publicTextOf,
  rotateKeys,
  toPublicJwk,
} from './signing-keys.ts';

const NOW_MS = 1_000_000;
const HOUR_MS = 3_600_000;

function keyOf(id: string, kind: 'v1' | 'v1a' = 'v1'): SigningKeyRecord {
  const random = Buffer.alloc(32, id);
  const secret = kind === 'v1' ? encodeSecret(random) : encodePrivateKey(random);
  return { id, kind, secret, createdAtMs: NOW_MS, expiresAtMs: null };
}

const STANDARD = ['v1', 'v1a'] as const;

const expiries = (keys: readonly SigningKeyRecord[] | null) =>
  keys?.map(({ id, expiresAtMs }) => [id, expiresAtMs]);

test('a new key is of the kind that was asked for, and may sign', async () => {
  for (const kind of SIGNING_KINDS) {
    const random = randomBytes(32);
    const key = await createSigningKey({ id: 'a', kind, random, nowMs: NOW_MS });
    const { secret, expiresAtMs } = key;
    assert.equal(kindOfSecret(secret, [kind]), kind);
    assert.equal(explainSecret(secret, [kind]), null, kind);
    assert.equal(expiresAtMs, null);
    assert.notEqual(importSigningKey(key).type, 'public');
  }
});

test('what is public of a key is told in the form that receivers take, and nothing of a shared one', async () => {
  for (const kind of SIGNING_KINDS) {
    const random = randomBytes(32);
    const key = await createSigningKey({ id: 'a', kind, random, nowMs: NOW_MS });
    if (isSharedSecret(kind)) {
      assert.equal(publicTextOf(key), null);
      continue;
    }
    const jwk = { ...toPublicJwk(key) };
    assert.deepEqual([jwk.kid, jwk.use, 'd' in jwk], ['a', 'sig', false]);
    assert.ok(createPublicKey({ key: jwk, format: 'jwk' }).equals(importPublicKey(key)));
    const text = publicTextOf(key) ?? '';
    if (kind === 'v1a') assert.match(text, /^whpk_/);
    else {
      const der = Buffer.from(text, 'base64');
      const read = createPublicKey({ key: der, format: 'der', type: 'spki' });
      assert.ok(read.equals(importPublicKey(key)), kind);
    }
  }
});

test('a key of another kind, a weak one and a short secret are explained', () => {
  const pem = (pair: { privateKey: KeyObject }) =>
    pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const ed25519 = pem(generateKeyPairSync('ed25519'));
  const p384 = pem(generateKeyPairSync('ec', { namedCurve: 'secp384r1' }));
  const small = pem(generateKeyPairSync('rsa', { modulusLength: 1_023 }));
  assert.match(explainSecret(ed25519, ['rsa']) ?? '', /an RSA private key in PEM/);
  assert.match(explainSecret(p384, ['ecdsa']) ?? '', /P-256/);
  assert.match(explainSecret(small, ['rsa']) ?? '', /1,024 bits/);
  assert.match(explainSecret('-----BEGIN nonsense', ['ed25519']) ?? '', /Ed25519 private key/);
  assert.match(explainSecret('short', ['hmac']) ?? '', /8 to 200/);
  assert.match(explainSecret('with a space', ['hmac']) ?? '', /without spaces/);
  assert.equal(explainSecret('whsec_any-text-is-fine', ['hmac']), null);
});

test('a secret that is too short, too long, cut or of no kind is explained', () => {
  const base64 = (bytes: number) => Buffer.alloc(bytes, 1).toString('base64');
  assert.equal(explainSecret(`whsec_${base64(24)}`, STANDARD), null);
  assert.equal(explainSecret(`whsec_${base64(64)}`, STANDARD), null);
  assert.match(
    explainSecret(`whsec_${base64(23)}`, STANDARD) ?? '',
    /24 to 64 bytes; this one has 23/,
  );
  assert.match(
    explainSecret(`whsec_${base64(65)}`, STANDARD) ?? '',
    /24 to 64 bytes; this one has 65/,
  );
  assert.match(explainSecret('whsec_', STANDARD) ?? '', /followed by base64/);
  assert.match(explainSecret(base64(32), STANDARD) ?? '', /"whsec_"/);
  assert.match(explainSecret(`whsk_${base64(32)}`, STANDARD) ?? '', /64 bytes/);
  assert.match(
    explainSecret(publicKeyOf(encodePrivateKey(Buffer.alloc(32))), STANDARD) ?? '',
    /"whsk_"/,
  );
});

test('after a rotation the old key signs until its overlap is over', () => {
  const rotated = rotateKeys([keyOf('a')], keyOf('b'), { overlapMs: HOUR_MS, nowMs: NOW_MS });
  assert.deepEqual(expiries(rotated), [
    ['b', null],
    ['a', NOW_MS + HOUR_MS],
  ]);
  const at = (nowMs: number) => livingKeys(rotated ?? [], nowMs).map(({ id }) => id);
  assert.deepEqual(at(NOW_MS + HOUR_MS - 1), ['b', 'a']);
  assert.deepEqual(at(NOW_MS + HOUR_MS), ['b']);
});

test('older keys keep their own time, and expired ones are dropped', () => {
  const keys = [
    keyOf('c'),
    { ...keyOf('b'), expiresAtMs: NOW_MS + 1 },
    { ...keyOf('a'), expiresAtMs: NOW_MS },
  ];
  const rotated = rotateKeys(keys, keyOf('d'), { overlapMs: HOUR_MS, nowMs: NOW_MS });
  assert.deepEqual(expiries(rotated), [
    ['d', null],
    ['c', NOW_MS + HOUR_MS],
    ['b', NOW_MS + 1],
  ]);
});

test('without an overlap only the new key signs', () => {
  const keys = [keyOf('b'), { ...keyOf('a'), expiresAtMs: NOW_MS + HOUR_MS }];
  const rotated = rotateKeys(keys, keyOf('c'), { overlapMs: 0, nowMs: NOW_MS });
  assert.deepEqual(expiries(rotated), [['c', null]]);
});

test('at most ten old keys sign beside the current one', () => {
  const options = { overlapMs: HOUR_MS, nowMs: NOW_MS };
  let keys = [keyOf('first')];
  for (let i = 0; i < MAX_OLD_KEYS; i++) keys = rotateKeys(keys, keyOf(`k${i}`), options) ?? [];
  assert.equal(keys.length, MAX_OLD_KEYS + 1);
  assert.equal(rotateKeys(keys, keyOf('more'), options), null);
  const later = { ...options, nowMs: NOW_MS + HOUR_MS };
  assert.equal(rotateKeys(keys, keyOf('more'), later)?.length, 2);
  assert.equal(rotateKeys(keys, keyOf('more'), { ...options, overlapMs: 0 })?.length, 1);
});

test('a key of Ed25519 is shown to the public without its private part', () => {
  const key = keyOf('a', 'v1a');
  const jwk = toPublicJwk(key);
  assert.deepEqual(Object.keys(jwk).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  assert.equal(jwk.kid, 'a');
  const { kty, crv, x } = jwk;
  const imported = createPublicKey({ key: { kty, crv, x }, format: 'jwk' });
  assert.ok(imported.equals(importVerifier(publicKeyOf(key.secret))));
});
