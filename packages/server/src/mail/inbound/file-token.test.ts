import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createSecretBox } from '../../lib/secrets/secret-box.ts';
import { createFileTokens } from './file-token.ts';

const tokens = createFileTokens(createSecretBox(new Uint8Array(32)));
const REF = {
  projectId: 'prj_01JZ8Q4N2M5X7V3C9B6H1D0K8T',
  receivedId: 'rcv_01JZ8Q4N2M5X7V3C9B6H1D0K8T',
  number: 12,
  expiresAtMs: 1_000,
};

test('is read as it was made, until it expires', () => {
  const token = tokens.make(REF);
  assert.match(token, /^[\w-]{1,300}$/);
  assert.deepEqual(tokens.read(token, 999), REF);
  assert.equal(tokens.read(token, 1_000), null);
});

test('is nobody else’s to make or to change', () => {
  const token = tokens.make(REF);
  const other = createFileTokens(createSecretBox(new Uint8Array(32).fill(1)));
  assert.equal(other.read(token, 0), null);
  fc.assert(
    fc.property(
      fc.nat(token.length - 1),
      fc.constantFrom('A', 'z', '-', '', 'AA', '.'),
      (at, put) => {
        const changed = token.slice(0, at) + put + token.slice(at + 1);
        assert.deepEqual(tokens.read(changed, 0), changed === token ? REF : null);
      },
    ),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      assert.equal(tokens.read(text, 0), null);
    }),
  );
});
