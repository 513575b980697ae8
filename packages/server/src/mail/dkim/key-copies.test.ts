import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { test } from 'node:test';
import { createKeyCopies } from './key-copies.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const TEXT = Buffer.from('some text');

test('each copy is used by one at a time, and all of them sign alike', async () => {
  const copies = createKeyCopies(privateKey);
  const busy = new Set<KeyObject>();
  const seen = new Set<KeyObject>();
  await Promise.all(
    Array.from({ length: 50 }, () =>
      copies.use(async (key) => {
        assert.equal(busy.has(key), false);
        busy.add(key);
        seen.add(key);
        await new Promise((resolve) => setImmediate(resolve));
        assert.ok(verify(null, TEXT, publicKey, sign(null, TEXT, key)));
        busy.delete(key);
      }),
    ),
  );
  assert.equal(seen.size, 4);
});

test('one after another needs no copy, and a failure gives it back', async () => {
  const copies = createKeyCopies(privateKey);
  for (let i = 0; i < 10; i += 1) {
    await assert.rejects(
      copies.use(async (key) => {
        assert.equal(key, privateKey);
        throw new Error('broken');
      }),
      /broken/,
    );
  }
});
