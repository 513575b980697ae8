import assert from 'node:assert/strict';
import test from 'node:test';
import { createTestClock, turn } from '../../lib/fixtures/test-clock.ts';
import { silentLog } from '../../lib/log.ts';
import { createSourceUsage } from './source-usage.ts';

const DAY_MS = 86_400_000;

function setUp() {
  const clock = createTestClock(Date.parse('2026-11-22T23:59:50Z'));
  const stored = new Map<string, string>();
  const world = { clock, stored, isDown: false, saves: 0 };
  const counts = {
    async load(address: string, day: string) {
      const [onDay, sent] = stored.get(address)?.split(' ') ?? [];
      return onDay === day ? Number(sent) : null;
    },
    async save(address: string, day: string, sent: number) {
      if (world.isDown) throw new Error('The disk is full.');
      world.saves += 1;
      stored.set(address, `${day} ${sent}`);
    },
  };
  return { world, make: () => createSourceUsage({ counts, clock, log: silentLog }) };
}

test('counts are written down together, and found again after a restart', async () => {
  const { world, make } = setUp();
  const usage = make();
  usage.add('192.0.2.1', 2);
  usage.add('192.0.2.1', 1);
  assert.equal(usage.sentToday('192.0.2.1'), 3);
  await world.clock.advance(5_000);
  assert.deepEqual([...world.stored], [['192.0.2.1', '2026-11-22 3']]);
  assert.equal(world.saves, 1);
  usage.add('192.0.2.1', 4);
  await usage.stop();
  const next = make();
  await next.load(['192.0.2.1', '192.0.2.2']);
  assert.deepEqual([next.sentToday('192.0.2.1'), next.sentToday('192.0.2.2')], [7, 0]);
});

test('a new day begins with nothing', async () => {
  const { world, make } = setUp();
  const usage = make();
  usage.add('192.0.2.1', 5);
  await world.clock.advance(15_000);
  assert.equal(usage.sentToday('192.0.2.1'), 0);
  usage.add('192.0.2.1', 1);
  assert.equal(usage.sentToday('192.0.2.1'), 1);
  await world.clock.advance(DAY_MS);
  const next = make();
  await next.load(['192.0.2.1']);
  assert.equal(next.sentToday('192.0.2.1'), 0);
});

test('while the store takes nothing the count goes on, and is written later', async () => {
  const { world, make } = setUp();
  const usage = make();
  world.isDown = true;
  usage.add('192.0.2.1', 2);
  await world.clock.advance(5_000);
  await turn();
  assert.equal(world.saves, 0);
  world.isDown = false;
  await usage.stop();
  assert.deepEqual([...world.stored], [['192.0.2.1', '2026-11-22 2']]);
});
