import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { nearestName } from './nearest-name.ts';

const NAMES = ['recipient', 'message', 'endpoint', 'delivery'];

test('finds the name that was meant', () => {
  assert.equal(nearestName('recipent', NAMES), 'recipient');
  assert.equal(nearestName('MESSAGES', NAMES), 'message');
  assert.equal(nearestName('end_point', NAMES), 'endpoint');
});

test('finds none when nothing is near, or there is nothing', () => {
  assert.equal(nearestName('zzzzzz', NAMES), null);
  assert.equal(nearestName('message', []), null);
  assert.equal(nearestName('m'.repeat(10_000), NAMES), null);
});

test('a name itself is nearest to it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 20 })),
      fc.string({ maxLength: 20 }),
      (others, name) => {
        const found = nearestName(name, [...others, name]);
        assert.equal(found?.toLowerCase(), name.toLowerCase());
      },
    ),
  );
});

test('one wrong, missing or extra letter is forgiven', () => {
  const place = fc.nat(6);
  fc.assert(
    fc.property(
      fc.constantFrom(...NAMES),
      place,
      fc.constantFrom('', 'q', 'qq'),
      (name, at, put) => {
        assert.equal(nearestName(name.slice(0, at) + put + name.slice(at + 1), NAMES), name);
      },
    ),
  );
});
