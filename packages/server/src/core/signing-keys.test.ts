import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import test from 'node:test';
import { encodePrivateKey, importVerifier, publicKeyOf } from '@posthorn/sdk';
import type { SigningKeyRecord } from './endpoint-settings.ts';
import {
  createSigningKey,
  explainSecret,
  kindOfSecret,
  livingKeys,
  MAX_OLD_KEYS,
  rotateKeys,
  toPublicJwk,
} from './signing-keys.ts';

const NOW_MS = 1_000_000;
const HOUR_MS = 3_600_000;

function keyOf(id: string, kind: 'v1' | 'v1a' = 'v1'): SigningKeyRecord {
  return createSigningKey({ id, kind, random: Buffer.alloc(32, id), nowMs: NOW_MS });
}

const expiries = (keys: readonly SigningKeyRecord[] | null) =>
  keys?.map(({ id, expiresAtMs }) => [id, expiresAtMs]);

test('a new key is of the kind that was asked for, and may sign', () => {
  for (const kind of ['v1', 'v1a'] as const) {
    const { secret, expiresAtMs } = keyOf('a', kind);
    assert.equal(kindOfSecret(secret), kind);
    assert.equal(explainSecret(secret), null);
    assert.equal(expiresAtMs, null);
  }
});

test('a secret that is too short, too long, cut or of no kind is explained', () => {
  const base64 = (bytes: number) => Buffer.alloc(bytes, 1).toString('base64');
  assert.equal(explainSecret(`whsec_${base64(24)}`), null);
  assert.equal(explainSecret(`whsec_${base64(64)}`), null);
  assert.match(explainSecret(`whsec_${base64(23)}`) ?? '', /24 to 64 bytes; this one has 23/);
  assert.match(explainSecret(`whsec_${base64(65)}`) ?? '', /24 to 64 bytes; this one has 65/);
  assert.match(explainSecret('whsec_') ?? '', /followed by base64/);
  assert.match(explainSecret(base64(32)) ?? '', /"whsec_"/);
  assert.match(explainSecret(`whsk_${base64(32)}`) ?? '', /64 bytes/);
  assert.match(explainSecret(publicKeyOf(encodePrivateKey(Buffer.alloc(32)))) ?? '', /"whsk_"/);
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
