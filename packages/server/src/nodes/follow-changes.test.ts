import assert from 'node:assert/strict';
import test from 'node:test';
import { createTestClock } from '../lib/fixtures/test-clock.ts';
import { silentLog } from '../lib/log.ts';
import type { Change } from '../store/changes.ts';
import { followChanges } from './follow-changes.ts';

function change(position: number): Change {
  return { position, kind: 'endpoint', projectId: 'prj_1', id: `ep_${position}` };
}

/** Changes as a database shows them: what is committed, whatever its position. */
function setUp(visible: Change[]) {
  const clock = createTestClock(0);
  const told: number[] = [];
  let fails = 0;
  const follower = followChanges({
    changes: {
      latest: async () => Math.max(0, ...visible.map(({ position }) => position)),
      async after(position) {
        if (fails > 0) {
          fails -= 1;
          throw new Error('The database is away.');
        }
        const rows = visible.filter((one) => one.position > position);
        return rows.toSorted((a, b) => a.position - b.position);
      },
    },
    clock,
    log: silentLog,
    apply: async ({ position }) => void told.push(position),
  });
  return {
    follower,
    clock,
    told,
    failNext(count: number) {
      fails = count;
    },
  };
}

test('tells of what comes after the start, each once', async () => {
  const visible = [change(1), change(2)];
  const { follower, clock, told } = setUp(visible);
  await follower.start();
  visible.push(change(3), change(4));
  await clock.advance(1_000);
  visible.push(change(5));
  await clock.advance(2_000);
  assert.deepEqual(told, [3, 4, 5]);
});

test('tells of a change that was committed later than one with a higher position', async () => {
  const visible = [change(1)];
  const { follower, clock, told } = setUp(visible);
  await follower.start();
  visible.push(change(5));
  await clock.advance(500);
  visible.push(change(2), change(4));
  await clock.advance(500);
  assert.deepEqual(told, [5, 2, 4]);
});

test('goes on after the database was away, and misses nothing', async () => {
  const visible: Change[] = [];
  const { follower, clock, told, failNext } = setUp(visible);
  await follower.start();
  failNext(3);
  visible.push(change(1), change(2));
  await clock.advance(1_500);
  assert.deepEqual(told, []);
  await clock.advance(500);
  assert.deepEqual(told, [1, 2]);
  follower.stop();
  visible.push(change(3));
  await clock.advance(5_000);
  assert.deepEqual(told, [1, 2]);
});
