import assert from 'node:assert/strict';
import test from 'node:test';
import { createTestClock } from '../lib/fixtures/test-clock.ts';
import { createRounds } from './rounds.ts';

function setUp() {
  const clock = createTestClock(0);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const rounds = createRounds({
    clock,
    async work() {
      begun.push(clock.now());
      await new Promise<void>((resolve) => ends.push(resolve));
      return { waitMs: 1_000, gapMs: 100 };
    },
  });
  return {
    clock,
    begun,
    rounds,
    async end() {
      ends.shift()?.();
      await clock.advance(0);
    },
  };
}

test('go on by themselves, and at once when called', async () => {
  const { clock, begun, rounds, end } = setUp();
  rounds.start(50);
  await clock.advance(50);
  await end();
  await clock.advance(1_000);
  assert.deepEqual(begun, [50, 1_050]);
  await end();
  await clock.advance(300);
  rounds.wake();
  assert.deepEqual(begun, [50, 1_050, 1_350]);
});

test('called while one is under way, or in its gap, the next begins after both, once', async () => {
  const { clock, begun, rounds, end } = setUp();
  rounds.start(0);
  await clock.advance(0);
  rounds.wake();
  rounds.wake();
  await clock.advance(5_000);
  assert.deepEqual(begun, [0]);
  await end();
  rounds.wake();
  await clock.advance(99);
  assert.deepEqual(begun, [0]);
  await clock.advance(1);
  assert.deepEqual(begun, [0, 5_100]);
  await end();
  await clock.advance(999);
  assert.deepEqual(begun, [0, 5_100]);
});

test('end when they are stopped, also by the end of one that is under way', async () => {
  const { clock, begun, rounds, end } = setUp();
  rounds.start(0);
  await clock.advance(0);
  rounds.stop();
  rounds.wake();
  await end();
  await clock.advance(10_000);
  assert.deepEqual(begun, [0]);
});
