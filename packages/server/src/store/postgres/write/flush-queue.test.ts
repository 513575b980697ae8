import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { turn } from '../../../lib/fixtures/test-clock.ts';
import { createFlushQueue } from './flush-queue.ts';

/** A queue whose flushes end when they are told to. */
function createHeldQueue(options: { flushes?: number; maxItems?: number } = {}) {
  const running: { items: string[]; end: () => void }[] = [];
  const queue = createFlushQueue<string>({
    flushes: 2,
    maxItems: 10,
    ...options,
    // `ab 3` has the keys a and b.
    keysOf: (item) => [...(item.split(' ')[0] ?? '')],
    flush: (items) => new Promise((end) => running.push({ items, end })),
  });
  return { queue, running };
}

const itemsOf = (running: { items: string[] }[]) => running.map(({ items }) => items);

test('takes what is there in one piece, and what comes meanwhile in the next', async () => {
  const { queue, running } = createHeldQueue();
  for (const item of ['a', 'b', 'c']) queue.add(item);
  await turn();
  for (const item of ['d', 'e']) queue.add(item);
  await turn();
  queue.add('f');
  await turn();
  assert.deepEqual(itemsOf(running), [
    ['a', 'b', 'c'],
    ['d', 'e'],
  ]);
  running[1]?.end();
  await turn();
  assert.deepEqual(itemsOf(running)[2], ['f']);
});

test('keeps those with a common key apart and in order, and lets others pass', async () => {
  const { queue, running } = createHeldQueue();
  queue.add('a 1');
  await turn();
  for (const item of ['ab 2', 'b 3', 'c 4']) queue.add(item);
  await turn();
  // `b 3` waits too: it came behind one that has its key.
  assert.deepEqual(itemsOf(running), [['a 1'], ['c 4']]);
  running[0]?.end();
  await turn();
  assert.deepEqual(itemsOf(running)[2], ['ab 2', 'b 3']);
});

test('tells when everything before has been flushed, whatever came after', async () => {
  const { queue, running } = createHeldQueue();
  let settled = 0;
  const note = () => {
    settled += 1;
  };
  await queue.settled();
  queue.add('a');
  void queue.settled().then(note);
  await turn();
  queue.add('b');
  void queue.settled().then(note);
  await turn();
  running[1]?.end();
  await turn();
  assert.equal(settled, 0);
  running[0]?.end();
  await turn();
  assert.equal(settled, 2);
});

test('flushes everything once, never two of one key at a time, and keeps the order of each key', async () => {
  const item = fc.record({
    keys: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 2 }),
    pause: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 5 }),
      async (items, flushes, maxItems) => {
        const busy = new Set<string>();
        const done: number[] = [];
        let running = 0;
        const keysOf = (i: number): readonly string[] => items[i]?.keys ?? [];
        const queue = createFlushQueue<number>({
          flushes,
          maxItems,
          keysOf,
          async flush(batch) {
            running += 1;
            assert.ok(running <= flushes && batch.length <= maxItems);
            const keys = new Set(batch.flatMap(keysOf));
            for (const key of keys) assert.ok(!busy.has(key));
            for (const key of keys) busy.add(key);
            for (let turns = batch.length % 3; turns > 0; turns--) await turn();
            for (const key of keys) busy.delete(key);
            done.push(...batch);
            running -= 1;
          },
        });
        for (const [i, { pause }] of items.entries()) {
          queue.add(i);
          if (pause) await turn();
        }
        await queue.settled();
        assert.deepEqual(
          done.toSorted((a, b) => a - b),
          [...items.keys()],
        );
        for (const key of ['a', 'b', 'c', 'd']) {
          const ofKey = done.filter((i) => keysOf(i).includes(key));
          assert.deepEqual(
            ofKey,
            ofKey.toSorted((a, b) => a - b),
          );
        }
      },
    ),
    { numRuns: 60 },
  );
});
