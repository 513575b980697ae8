import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import fc from 'fast-check';
import { createSecretBox } from './secret-box.ts';

const box = createSecretBox(new Uint8Array(32).fill(7));
const text = fc.string({ unit: 'grapheme' });

test('what is sealed opens again, and looks different each time', () => {
  fc.assert(
    fc.property(text, text, (plain, context) => {
      const sealed = box.seal(plain, context);
      assert.equal(box.open(sealed, context), plain);
      assert.notEqual(box.seal(plain, context), sealed);
    }),
  );
});

test('it opens after a restart with the same master key, and with no other', () => {
  const sealed = box.seal('whsec_x', 'endpoint:ep_1');
  const again = createSecretBox(new Uint8Array(32).fill(7));
  assert.equal(again.open(sealed, 'endpoint:ep_1'), 'whsec_x');
  const other = createSecretBox(randomBytes(32));
  assert.throws(() => other.open(sealed, 'endpoint:ep_1'), /POSTHORN_MASTER_KEY changed\?/);
});

test('it does not open in another place', () => {
  fc.assert(
    fc.property(text, text, (here, there) => {
      fc.pre(here !== there);
      const sealed = box.seal('secret', here);
      assert.throws(() => box.open(sealed, there));
    }),
  );
});

test('a change of any byte is noticed', () => {
  const sealed = box.seal('a secret of some length', 'context');
  const [version = '', ...parts] = sealed.split('.');
  for (const [i, part] of parts.entries()) {
    const bytes = Buffer.from(part, 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const tampered = parts.with(i, changed.toString('base64url'));
      assert.throws(() => box.open([version, ...tampered].join('.'), 'context'));
    }
  }
});

test('a text that was never sealed does not open', () => {
  for (const other of ['', 'v1', 'v1...', 'v2.a.b.c', 'whsec_plain', 'v1.a.b']) {
    assert.throws(() => box.open(other, 'context'), other);
  }
  fc.assert(fc.property(fc.string(), (other) => void assert.throws(() => box.open(other, ''))));
});

test('a tag that was cut short does not open', () => {
  const [version, iv, tag = '', body] = box.seal('secret', 'here').split('.');
  const short = Buffer.from(tag, 'base64url').subarray(0, 4).toString('base64url');
  assert.throws(() => box.open([version, iv, short, body].join('.'), 'here'));
});
