import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkEnvelopeAddress } from './check-envelope-address.ts';

test('keeps the local part and brings the domain into ASCII and lower case', () => {
  for (const [given, expected] of [
    ['Joe.Doe+tag@Example.COM', 'Joe.Doe+tag@example.com'],
    ["o'neil@example.com", "o'neil@example.com"],
    ['"john doe"@example.com', '"john doe"@example.com'],
    ['a@bücher.example', 'a@xn--bcher-kva.example'],
  ] as const) {
    assert.deepEqual(checkEnvelopeAddress(given, false), { ok: true, address: expected });
  }
});

test('refuses what is no address, what is too long and what names a machine', () => {
  for (const address of [
    '',
    '@example.com',
    'a@',
    'a b@example.com',
    'a..b@example.com',
    '.a@example.com',
    'a@b@example.com',
    'a\r\nRCPT TO:<x@example.com>@example.com',
    'a@example.com>',
    'a@[127.0.0.1]',
    'a@[IPv6:::1]',
    'a@127.0.0.1',
    'a@0x7f.1',
    'a@localhost',
    `a@${'x'.repeat(64)}.com`,
    `${'l'.repeat(65)}@example.com`,
  ]) {
    const found = checkEnvelopeAddress(address, true);
    assert.equal(found.ok, false, address);
  }
});

test('asks for SMTPUTF8 where the local part needs it', () => {
  assert.equal(checkEnvelopeAddress('jösé@example.com', true).ok, true);
  const refused = checkEnvelopeAddress('jösé@example.com', false);
  assert.equal(refused.ok || refused.smtpCode, 553);
});

test('never lets a character through that could end a command or a path', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (local, domain) => {
      const found = checkEnvelopeAddress(`${local}@${domain}`, true);
      if (found.ok) assert.equal(/[\r\n\0]/.test(found.address), false);
      const appended = checkEnvelopeAddress(`a${local}@example.com`, true);
      if (appended.ok && !appended.address.startsWith('"')) {
        assert.equal(/[<>\s]/.test(appended.address), false);
      }
    }),
  );
});
