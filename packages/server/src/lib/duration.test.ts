import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from './duration.ts';

test('a duration is read in its unit, and a bare number as seconds', () => {
  const cases = { '250ms': 250, '5s': 5_000, '1.5h': 5_400_000, '2d': 172_800_000, '90': 90_000 };
  for (const [text, ms] of Object.entries({ ...cases, ' 3m ': 180_000, '0': 0, '0.001s': 1 })) {
    assert.equal(parseDuration(text), ms, text);
  }
});

test('anything else is none', () => {
  for (const text of [
    '',
    's',
    '-1s',
    '1 s',
    '1w',
    '1e3',
    '.5s',
    '1.s',
    'Infinity',
    '5S',
    '1h30m',
  ]) {
    assert.equal(parseDuration(text), null, text);
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      const ms = parseDuration(text);
      assert.ok(ms === null || (Number.isInteger(ms) && ms >= 0));
    }),
  );
});

test('what is written is read back as the same', () => {
  fc.assert(
    fc.property(fc.nat(999_999_999), fc.constantFrom(1, 1_000, 60_000, 86_400_000), (n, unitMs) => {
      assert.equal(parseDuration(formatDuration(n * unitMs)), n * unitMs);
    }),
  );
});

test('the largest unit that is exact is taken', () => {
  assert.deepEqual([90_000, 7_200_000, 86_400_000, 1_500, 0].map(formatDuration), [
    '90s',
    '2h',
    '1d',
    '1500ms',
    '0ms',
  ]);
});
