import assert from 'node:assert/strict';
import test from 'node:test';
import { createTurns } from './turns.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test('so many at once, the rest in the turns that follow, in their order', async () => {
  const inTurns = createTurns(2);
  const done: number[] = [];
  for (let i = 0; i < 5; i++) inTurns(() => void done.push(i));
  assert.deepEqual(done, [0, 1]);
  await nextTurn();
  assert.deepEqual(done, [0, 1, 2, 3]);
  await nextTurn();
  assert.deepEqual(done, [0, 1, 2, 3, 4]);
});

test('a turn later there is room again, and what comes meanwhile stands behind what waits', async () => {
  const inTurns = createTurns(1);
  const done: string[] = [];
  inTurns(() => void done.push('a'));
  await nextTurn();
  inTurns(() => {
    done.push('b');
    inTurns(() => void done.push('d'));
  });
  inTurns(() => void done.push('e'));
  assert.deepEqual(done, ['a', 'b']);
  for (let i = 0; i < 3; i++) await nextTurn();
  assert.deepEqual(done, ['a', 'b', 'd', 'e']);
});
