import assert from 'node:assert/strict';
import test from 'node:test';
import { createMemoryKeeper } from './memory-keeper.ts';

const MB = 2 ** 20;

function setUp() {
  const use = { active: 0, idle: 0 };
  const memory = { resident: 200 * MB };
  let collections = 0;
  const look = createMemoryKeeper(
    () => {
      collections += 1;
      memory.resident = 210 * MB;
    },
    { use: () => ({ ...use }), residentBytes: () => memory.resident },
  );
  return {
    memory,
    collections: () => collections,
    /** Seconds of which so many ms are active each. */
    seconds(count: number, activeMs: number) {
      for (let i = 0; i < count; i++) {
        use.active += activeMs;
        use.idle += 1_000 - activeMs;
        look();
      }
    },
  };
}

test('memory that a rush took is given back once it is over, and not while it lasts', () => {
  const { memory, seconds, collections } = setUp();
  memory.resident = 300 * MB;
  seconds(20, 700);
  seconds(1, 20);
  seconds(1, 300);
  seconds(1, 20);
  assert.equal(collections(), 0, 'it only paused');
  seconds(1, 20);
  assert.equal(collections(), 1);
  seconds(60, 20);
  assert.equal(collections(), 1, 'once');
  memory.resident = 280 * MB;
  seconds(5, 900);
  seconds(2, 20);
  assert.equal(collections(), 2, 'after the next one again');
});

test('what has hardly grown is left alone, and growth counts from the smallest', () => {
  const { memory, seconds, collections } = setUp();
  memory.resident = 220 * MB;
  seconds(5, 900);
  seconds(5, 10);
  assert.equal(collections(), 0);
  memory.resident = 150 * MB;
  seconds(2, 900);
  seconds(5, 10);
  memory.resident = 190 * MB;
  seconds(2, 900);
  seconds(5, 10);
  assert.equal(collections(), 1);
});
