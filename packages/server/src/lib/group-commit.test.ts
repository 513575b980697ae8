import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { turn } from './fixtures/test-clock.ts';
import { createGroupCommit } from './group-commit.ts';

/** A flush that ends when the test says so. */
function createHeldFlush() {
  const batches: number[][] = [];
  const settled: number[] = [];
  const ends: (() => void)[] = [];
  const log: string[] = [];
  return {
    batches,
    settled,
    log,
    flush(items: number[]): Promise<() => void> {
      batches.push(items);
      log.push(`flush ${items.join(' ')}`);
      return new Promise((resolve) => {
        ends.push(() =>
          resolve(() => {
            settled.push(...items);
            log.push(`settle ${items.join(' ')}`);
          }),
        );
      });
    },
    /** Ends the flush that is under way. */
    async end(): Promise<void> {
      ends.shift()?.();
      await turn();
    },
  };
}

test('what arrives in one turn goes in one flush, and what arrives meanwhile in the next', async () => {
  const { flush, end, batches, settled } = createHeldFlush();
  const queue = createGroupCommit({ flush, maxItems: 100 });
  queue.add(1);
  queue.add(2);
  assert.deepEqual([batches, queue.waiting], [[], 2]);
  await turn();
  queue.add(3);
  queue.add(4);
  await turn();
  assert.deepEqual([batches, queue.waiting], [[[1, 2]], 2]);
  await end();
  assert.deepEqual(batches, [
    [1, 2],
    [3, 4],
  ]);
  await end();
  assert.deepEqual([settled, queue.waiting], [[1, 2, 3, 4], 0]);
});

test('the next flush starts before the outcome of the last is handed out', async () => {
  const { flush, end, log } = createHeldFlush();
  const queue = createGroupCommit({ flush, maxItems: 100 });
  queue.add(1);
  await turn();
  queue.add(2);
  await end();
  await end();
  assert.deepEqual(log, ['flush 1', 'flush 2', 'settle 1', 'settle 2']);
});

test('what is added while an outcome is handed out is not forgotten', async () => {
  const flushed: number[] = [];
  const queue = createGroupCommit<number>({
    async flush(items) {
      flushed.push(...items);
      return () => {
        for (const item of items) if (item < 5) queue.add(item + 1);
      };
    },
    maxItems: 10,
  });
  queue.add(1);
  while (flushed.length < 5) await turn();
  await queue.idle();
  assert.deepEqual(flushed, [1, 2, 3, 4, 5]);
});

test('a larger pile is cut', async () => {
  const { flush, end, batches } = createHeldFlush();
  const queue = createGroupCommit({ flush, maxItems: 3 });
  for (let i = 1; i <= 8; i++) queue.add(i);
  await turn();
  for (let i = 0; i < 3; i++) await end();
  assert.deepEqual(batches, [
    [1, 2, 3],
    [4, 5, 6],
    [7, 8],
  ]);
});

test('is idle when nothing waits, nothing is under way and every outcome was handed out', async () => {
  const { flush, end, settled } = createHeldFlush();
  const queue = createGroupCommit({ flush, maxItems: 10 });
  await queue.idle();
  queue.add(1);
  let idle = false;
  const becomesIdle = queue.idle().then(() => {
    idle = true;
    assert.deepEqual(settled, [1, 2]);
  });
  await turn();
  queue.add(2);
  await end();
  assert.equal(idle, false);
  await end();
  await becomesIdle;
  assert.equal(idle, true);
});

test('every item is flushed and settled once and in order, whatever the schedule', async () => {
  const schedule = fc.scheduler();
  const arrivals = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(
      schedule,
      arrivals,
      fc.integer({ min: 1, max: 4 }),
      async (s, bursts, maxItems) => {
        const flushed: number[] = [];
        const settled: number[] = [];
        let underWay = 0;
        const queue = createGroupCommit<number>({
          async flush(items) {
            assert.equal(underWay, 0, 'one flush at a time');
            assert.ok(items.length > 0 && items.length <= maxItems);
            underWay += 1;
            flushed.push(...items);
            await s.schedule(Promise.resolve(), 'flush');
            underWay -= 1;
            return () => settled.push(...items);
          },
          maxItems,
        });
        let added = 0;
        const arrive = bursts.map((size) =>
          s.schedule(Promise.resolve(), 'arrive').then(() => {
            for (let i = 0; i < size; i++) queue.add(added++);
          }),
        );
        const idle = Promise.all(arrive).then(() => queue.idle());
        await s.waitFor(idle);
        const expected = Array.from({ length: added }, (_, i) => i);
        assert.deepEqual(flushed, expected);
        assert.deepEqual(settled, expected);
      },
    ),
    { numRuns: 50 },
  );
});
