import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createSecretBox } from '../../lib/secrets/secret-box.ts';
import {
  createTrackingTokens,
  MAX_TOKEN_CHARS,
  MAX_WRAPPED_URL_BYTES,
  type TrackingRef,
} from './tracking-token.ts';

const tokens = createTrackingTokens(createSecretBox(new Uint8Array(32).fill(7)));
const COPY = {
  projectId: 'prj_01KAJ7Z5N1H4N9VXK9TQ7B2C3D',
  messageId: 'msg_01KAJ7Z5N1H4N9VXK9TQ7B2C3D',
  recipient: 'mila@example.com',
};
const url = 'https://shop.example/ü?a=1&b=%20#c';
const REFS: TrackingRef[] = [
  { kind: 'open', ...COPY },
  { kind: 'click', ...COPY, url, linkId: '12' },
  { kind: 'unsubscribe', ...COPY, stream: 'broadcast', from: 'shop@sender.example' },
];

test('what is made is read, and shows neither address nor URL', () => {
  for (const ref of REFS) {
    const token = tokens.make(ref);
    assert.match(token, /^[\w-]+$/);
    assert.deepEqual(tokens.read(token), ref);
    const seen = Buffer.from(token, 'base64url').toString('latin1');
    assert.doesNotMatch(seen, /mila|example|shop/);
  }
});

test('the longest token fits into a route', () => {
  const recipient = `${'x'.repeat(64)}@${'y'.repeat(255)}`;
  const long = 'https://e.example/'.padEnd(MAX_WRAPPED_URL_BYTES, 'z');
  const token = tokens.make({ kind: 'click', ...COPY, recipient, url: long, linkId: '9999' });
  assert.ok(token.length <= MAX_TOKEN_CHARS, String(token.length));
  assert.equal(tokens.read(token)?.recipient, recipient);
});

test('a token that was changed in any place, cut or made with another key is none', () => {
  const others = createTrackingTokens(createSecretBox(new Uint8Array(32).fill(8)));
  for (const ref of REFS) {
    const token = tokens.make(ref);
    assert.equal(others.read(token), null);
    for (let i = 0; i < token.length; i++) {
      const other = token[i] === 'A' ? 'B' : 'A';
      assert.equal(tokens.read(token.slice(0, i) + other + token.slice(i + 1)), null, String(i));
      assert.equal(tokens.read(token.slice(0, i)), null);
    }
    assert.equal(tokens.read(`${token}A`), null);
    assert.equal(tokens.read(`${token}=`), null);
  }
});

test('text of any kind is no token', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.base64String(),
        fc.uint8Array({ maxLength: 400 }).map((one) => Buffer.from(one).toString('base64url')),
      ),
      (text) => assert.equal(tokens.read(text), null),
    ),
  );
});
