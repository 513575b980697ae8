import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  startTestCluster,
  withoutPostgres,
} from '../../../store/postgres/fixtures/test-cluster.ts';
import { createFakeClock, withoutFakeClock } from './fixtures/fake-clock.ts';
import { heldInPostgres, startFaultWorld } from './fixtures/fault-world.ts';

const HOUR_SECONDS = 3_600;
/** Forwards and back, backwards and back, and from one end to the other. */
const JUMPS = [1, 0, -1, 0, 1, -1, 0].map((hours) => hours * HOUR_SECONDS);
const BETWEEN = 300;

test('the clock of one node jumps by an hour: nobody else minds, and nothing is late or lost', async (t) => {
  const reason = withoutPostgres || withoutFakeClock;
  if (reason !== false) return t.skip(reason);
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-clock-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const clock = createFakeClock(folder);
  const cluster = await startTestCluster();
  t.after(() => cluster.stop());
  const database = await cluster.createDatabase();
  const world = await startFaultWorld(t, {
    nodes: [{}, { env: clock.env }, {}],
    databaseUrl: cluster.url(database),
    heldBy: heldInPostgres((text) => cluster.execute(text, database)),
  });
  for (const seconds of JUMPS) {
    await world.feed.untilMore(BETWEEN);
    clock.jumpTo(seconds);
    await world.feed.untilMore(BETWEEN);
  }
  await world.settle();
  assert.deepEqual(world.receiver.again, [], 'nobody was taken for dead');
});
