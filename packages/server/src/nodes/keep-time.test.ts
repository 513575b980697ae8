import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestClock, until } from '../lib/fixtures/test-clock.ts';
import { silentLog } from '../lib/log.ts';
import { createSteadyClock } from '../lib/steady-clock.ts';
import { keepTime } from './keep-time.ts';

const START_MS = 1_795_168_800_000;
const HOUR_MS = 3_600_000;

/** A machine that is an hour ahead of its database. */
function setUp() {
  const machine = createTestClock(START_MS + HOUR_MS);
  const database = { aheadMs: -HOUR_MS, isAway: false, asked: 0 };
  const clock = createSteadyClock({
    wallMs: machine.now,
    monotonicMs: machine.now,
    after: machine.after,
  });
  const warnings: object[] = [];
  const keeper = keepTime({
    engine: {
      async timeMs() {
        database.asked += 1;
        if (database.isAway) throw new Error('away');
        return machine.now() + database.aheadMs;
      },
    },
    clock,
    log: { ...silentLog, warn: (fields) => warnings.push(fields) },
  });
  return { machine, database, clock, keeper, warnings };
}

test('a node goes by the clock of the database, from its start on', async () => {
  const { machine, database, clock, keeper, warnings } = setUp();
  await keeper.start();
  assert.ok(Math.abs(clock.now() - START_MS) <= 1);
  assert.equal(warnings.length, 1);
  database.aheadMs += 10_000;
  await machine.advance(3_000);
  await until('it has asked again', () => database.asked > 1);
  assert.ok(Math.abs(clock.now() - (START_MS + 13_000)) <= 1);
  keeper.stop();
});

test('while the database is away the clock goes on by itself', async () => {
  const { machine, database, clock, keeper } = setUp();
  await keeper.start();
  database.isAway = true;
  await machine.advance(60_000);
  assert.ok(Math.abs(clock.now() - (START_MS + 60_000)) <= 1);
  database.isAway = false;
  database.aheadMs += 5_000;
  await machine.advance(3_000);
  assert.ok(Math.abs(clock.now() - (START_MS + 68_000)) <= 1);
  keeper.stop();
});
