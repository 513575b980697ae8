import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { decodeBase32, encodeBase32, findTotpStep, toOtpauthUrl, totpCode } from './totp.ts';

/** RFC 6238 appendix B, SHA-1; its codes have eight digits, of which ours are the last six. */
const SECRET = Buffer.from('12345678901234567890');
const VECTORS: [seconds: number, code: string][] = [
  [59, '94287082'],
  [1_111_111_109, '07081804'],
  [1_111_111_111, '14050471'],
  [1_234_567_890, '89005924'],
  [2_000_000_000, '69279037'],
  [20_000_000_000, '65353130'],
];

test('codes are those of RFC 6238', () => {
  for (const [seconds, code] of VECTORS) {
    assert.equal(totpCode(SECRET, seconds * 1_000), code.slice(2));
  }
});

test('a code counts a step early and a step late, and tells its step', () => {
  const atMs = 1_234_567_890_000;
  const step = Math.floor(atMs / 30_000);
  const code = totpCode(SECRET, atMs);
  for (const drift of [-1, 0, 1]) {
    assert.equal(findTotpStep(SECRET, code, atMs + drift * 30_000), step);
  }
  for (const drift of [-2, 2]) {
    assert.equal(findTotpStep(SECRET, code, atMs + drift * 30_000), null);
  }
  for (const wrong of ['', '12345', `${code}0`, 'abcdef', '\u0661\u0662\u0663']) {
    assert.equal(findTotpStep(SECRET, wrong, atMs), null, wrong);
  }
});

test('base 32 is that of RFC 4648, and comes back', () => {
  for (const [plain, coded] of [
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ] as const) {
    assert.equal(encodeBase32(Buffer.from(plain)), coded);
    assert.equal(Buffer.from(decodeBase32(coded) ?? []).toString(), plain);
  }
  for (let length = 0; length < 64; length++) {
    const bytes = randomBytes(length);
    assert.deepEqual(decodeBase32(encodeBase32(bytes)), Uint8Array.from(bytes));
  }
  assert.equal(decodeBase32('MZ1'), null);
  assert.deepEqual(decodeBase32('mzxw 6ytb'), Uint8Array.from(Buffer.from('fooba')));
});

test('the URL names the server and the person', () => {
  assert.equal(
    toOtpauthUrl(SECRET, 'Posthorn mail.example', 'a+b@example.com'),
    'otpauth://totp/Posthorn%20mail.example:a%2Bb%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Posthorn%20mail.example&algorithm=SHA1&digits=6&period=30',
  );
});
