import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLoginGuard, type LoginOutcome } from './login-guard.ts';

const GOOD = 'the hash of a good key';

/** A guard whose clock jumps over every wait, and adds the waits up. */
function setUp() {
  let nowMs = 1_000_000;
  const waits: number[] = [];
  const outcomes: LoginOutcome[] = [];
  const warnings: object[] = [];
  const guard = createLoginGuard({
    clock: {
      now: () => nowMs,
      after(delayMs, action) {
        waits.push(delayMs);
        action();
        return () => {};
      },
    },
    log: { warn: (fields: object) => void warnings.push(fields) },
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  let checks = 0;
  const logIn = async (remoteAddress: string, keyHash: string): Promise<string> => {
    const found = await guard.guard({ remoteAddress, keyHash }, async () => {
      checks += 1;
      if (keyHash === 'broken') throw new Error('store is away');
      return { admitted: keyHash === GOOD, answer: keyHash === GOOD ? 'in' : 'out' };
    });
    return 'answer' in found ? found.answer : `wait ${found.waitSeconds}`;
  };
  return {
    logIn,
    waits,
    outcomes,
    warnings,
    checks: () => checks,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

test('each refusal comes slower than the one before, up to five seconds', async () => {
  const { logIn, waits } = setUp();
  for (let i = 0; i < 8; i += 1) assert.equal(await logIn('192.0.2.7', `guess ${i}`), 'out');
  assert.deepEqual(waits, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  assert.equal(await logIn('192.0.2.8', 'guess'), 'out');
  assert.equal(waits.at(-1), 250);
});

test('an address that goes on guessing is not heard any more, from all of its /64', async () => {
  const { logIn, outcomes, warnings, checks, pass } = setUp();
  for (let i = 0; i < 30; i += 1) {
    assert.equal(await logIn(`2001:db8::${i}`, `guess ${i}`), 'out');
  }
  assert.deepEqual(warnings, [{ address: '2001:db8::/64' }]);
  assert.equal(await logIn('2001:db8::ffff', 'one more'), 'wait 20');
  assert.equal(await logIn('2001:db8::ffff', GOOD), 'wait 20');
  assert.equal(await logIn('2001:db8:0:1::1', GOOD), 'in');
  assert.equal(checks(), 31);
  assert.deepEqual(
    ['accepted', 'refused', 'limited'].map(
      (one) => outcomes.filter((outcome) => outcome === one).length,
    ),
    [1, 30, 2],
  );
  pass(20_000);
  assert.equal(await logIn('2001:db8::1', GOOD), 'in');
});

test('a key that fails is not heard from anywhere, and others from there are', async () => {
  const { logIn } = setUp();
  for (let i = 0; i < 10; i += 1) assert.equal(await logIn(`198.51.100.${i}`, 'revoked'), 'out');
  assert.equal(await logIn('203.0.113.1', 'revoked'), 'wait 60');
  assert.equal(await logIn('203.0.113.1', GOOD), 'in');
});

test('a key that has logged in from an address stays welcome there', async () => {
  const { logIn } = setUp();
  assert.equal(await logIn('192.0.2.7', GOOD), 'in');
  for (let i = 0; i < 30; i += 1) await logIn('192.0.2.7', `guess ${i}`);
  assert.match(await logIn('192.0.2.7', 'one more'), /^wait/);
  assert.equal(await logIn('192.0.2.7', GOOD), 'in');
});

test('right logins, and those that could not be checked, count for nothing', async () => {
  const { logIn } = setUp();
  for (let i = 0; i < 100; i += 1) {
    assert.equal(await logIn('192.0.2.7', GOOD), 'in');
    await assert.rejects(logIn('192.0.2.7', 'broken'), /store is away/);
  }
  assert.equal(await logIn('192.0.2.7', 'guess'), 'out');
});

test('a program that opens many connections at once is let in over all of them', async () => {
  const { logIn } = setUp();
  const answers = await Promise.all(Array.from({ length: 200 }, () => logIn('192.0.2.7', GOOD)));
  assert.deepEqual(new Set(answers), new Set(['in']));
});
