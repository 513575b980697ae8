import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createTokenBucket } from './token-bucket.ts';

test('a full bucket allows its capacity at once, then its rate', () => {
  const bucket = createTokenBucket({ ratePerSecond: 2, capacity: 3 });
  const at = (ms: number) => bucket.take(ms).allowed;
  assert.deepEqual([at(0), at(0), at(0), at(0)], [true, true, true, false]);
  assert.deepEqual([at(499), at(500), at(500), at(1_000)], [false, true, false, true]);
});

test('a refusal says when the next one is allowed, and keeps that word', () => {
  const options = fc.record({
    ratePerSecond: fc.integer({ min: 1, max: 100 }),
    capacity: fc.integer({ min: 1, max: 20 }),
  });
  fc.assert(
    fc.property(options, (given) => {
      const bucket = createTokenBucket(given);
      let answer = bucket.take(0);
      while (answer.allowed) answer = bucket.take(0);
      assert.equal(answer.remaining, 0);
      assert.ok(answer.resetSeconds >= 1);
      assert.equal(bucket.take(answer.resetSeconds * 1_000).allowed, true);
    }),
  );
});

test('who takes more than there is waits until that is paid off', () => {
  const bucket = createTokenBucket({ ratePerSecond: 10, capacity: 20 });
  assert.deepEqual(bucket.take(0, 120), {
    allowed: true,
    limit: 20,
    remaining: 0,
    resetSeconds: 12,
  });
  assert.deepEqual(bucket.take(0), { allowed: false, limit: 20, remaining: 0, resetSeconds: 11 });
  assert.equal(bucket.take(10_000).allowed, false);
  assert.equal(bucket.take(11_000).allowed, true);
});

test('what is given back can be taken again, and never makes more than the capacity', () => {
  const bucket = createTokenBucket({ ratePerSecond: 1, capacity: 2 });
  bucket.giveBack();
  assert.deepEqual(
    [bucket.take(0), bucket.take(0), bucket.take(0)].map(({ allowed }) => allowed),
    [true, true, false],
  );
  bucket.giveBack();
  assert.equal(bucket.take(0).allowed, true);
  assert.equal(bucket.take(0).allowed, false);
});

test('no stretch of time sees more than the capacity and the rate allow', () => {
  const waits = fc.array(fc.integer({ min: -500, max: 1_500 }), { maxLength: 200 });
  fc.assert(
    fc.property(
      waits,
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 9 }),
      (steps, ratePerSecond, capacity) => {
        const bucket = createTokenBucket({ ratePerSecond, capacity });
        let nowMs = 1_000_000;
        // The bucket's time begins with the first question.
        const startMs = nowMs + (steps[0] ?? 0);
        let latestMs = startMs;
        let allowed = 0;
        for (const step of steps) {
          // The clock steps back now and then; that must refill nothing.
          nowMs += step;
          latestMs = Math.max(latestMs, nowMs);
          const answer = bucket.take(nowMs);
          if (answer.allowed) allowed += 1;
          assert.ok(answer.remaining >= 0 && answer.remaining < capacity + 1);
        }
        const most = capacity + ((latestMs - startMs) * ratePerSecond) / 1_000;
        assert.ok(allowed <= most + 1e-6, `${allowed} of ${most}`);
      },
    ),
  );
});
