import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestClock, type TestClock } from '../../lib/fixtures/test-clock.ts';
import { silentLog } from '../../lib/log.ts';
import type { LaneRunner } from './sink-lane.ts';
import { createSinkWorker } from './sink-worker.ts';

/** A worker that holds its duty; `next` is what a look says of the next one, ms. */
async function start(
  next: () => number | null,
  others: (clock: TestClock) => LaneRunner[] = () => [],
) {
  const clock = createTestClock(0);
  const looks: number[] = [];
  const lane = {
    async step() {
      looks.push(clock.now());
      return next();
    },
    async close() {},
    behindMs: () => 0,
  };
  const worker = createSinkWorker({
    sinkId: 'snk_1',
    lanes: [lane, ...others(clock)],
    isPressed: () => false,
    clock,
    log: silentLog,
  });
  worker.begin();
  await clock.advance(0);
  return { clock, looks, worker };
}

test('it looks once a second by itself, and at once when it is told after a rest', async () => {
  const { clock, looks, worker } = await start(() => null);
  await clock.advance(1_000);
  await clock.advance(500);
  worker.wake();
  await clock.advance(0);
  assert.deepEqual(looks, [0, 1_000, 1_500]);
  await worker.close();
  await clock.advance(5_000);
  assert.equal(looks.length, 3);
});

test('told of something new all the time, it looks four times a second and misses nothing', async () => {
  const { clock, looks, worker } = await start(() => null);
  for (let ms = 0; ms < 1_000; ms++) {
    worker.wake();
    await clock.advance(1);
  }
  assert.deepEqual(looks, [0, 250, 500, 750, 1_000]);
  worker.wake();
  await clock.advance(250);
  assert.deepEqual(looks.slice(-1), [1_250]);
  await worker.close();
});

test('sinks that are told at different times look at the same one', async () => {
  const { clock, looks, worker } = await start(() => null);
  await clock.advance(90);
  worker.wake();
  await clock.advance(300);
  worker.wake();
  await clock.advance(300);
  assert.deepEqual(looks, [0, 250, 500]);
  await worker.close();
});

test('what is there already goes without waiting', async () => {
  let left = 50;
  const { clock, looks, worker } = await start(() => (left-- > 0 ? 0 : null));
  await clock.advance(0);
  assert.equal(looks.length, 51);
  assert.deepEqual([...new Set(looks)], [0]);
  await worker.close();
});

test('a backfill is looked for once a second while there is none, and goes on while there is', async () => {
  let left: number | null = null;
  const at: number[] = [];
  const { clock, worker } = await start(
    () => null,
    ({ now }) => [
      {
        async step() {
          at.push(now());
          return left;
        },
        async close() {},
        behindMs: () => 0,
      },
    ],
  );
  for (let ms = 0; ms < 1_000; ms += 10) {
    worker.wake();
    await clock.advance(10);
  }
  assert.deepEqual(at, [0, 1_000]);
  left = 400;
  await clock.advance(1_800);
  assert.deepEqual(at, [0, 1_000, 2_000, 2_400, 2_800]);
  await worker.close();
});

test('in a rush a sink that has more to send gives way, unless it is far behind', async () => {
  const clock = createTestClock(0);
  const looks: number[] = [];
  let [behindMs, isPressed, next] = [1_000, true, 0 as number | null];
  const lane: LaneRunner = {
    async step() {
      looks.push(clock.now());
      await new Promise<void>((resolve) => clock.after(100, resolve));
      return next;
    },
    async close() {},
    behindMs: () => behindMs,
  };
  const worker = createSinkWorker({
    ...{ sinkId: 'snk_1', lanes: [lane], clock, log: silentLog },
    isPressed: () => isPressed,
  });
  worker.begin();
  await clock.advance(600);
  worker.wake();
  await clock.advance(450);
  assert.deepEqual(looks, [0, 500, 1_000], 'four times as long as it was busy, told or not');
  behindMs = 60_001;
  await clock.advance(150);
  assert.deepEqual(looks.slice(3), [1_100, 1_200]);
  [behindMs, isPressed] = [0, false];
  await clock.advance(200);
  assert.deepEqual(looks.slice(5), [1_300, 1_400]);
  [isPressed, next] = [true, null];
  await clock.advance(1_200);
  assert.deepEqual(looks.slice(7), [2_500], 'who is done looks as usual');
  await worker.close();
});
