import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  startTestCluster,
  withoutPostgres,
} from '../../../store/postgres/fixtures/test-cluster.ts';
import { heldInPostgres, startFaultWorld } from './fixtures/fault-world.ts';
import { runSize } from './fixtures/run-size.ts';

const KILLS = runSize(2, 30);
/** Things that are acknowledged between two kills, at most. */
const MAX_BETWEEN = runSize(75, 150);

test('nodes are killed at random moments, and what they answered for is done by the others', async (t) => {
  if (withoutPostgres !== false) return t.skip(withoutPostgres);
  const cluster = await startTestCluster();
  t.after(() => cluster.stop());
  const database = await cluster.createDatabase();
  const world = await startFaultWorld(t, {
    nodes: [{}, {}, {}],
    databaseUrl: cluster.url(database),
    heldBy: heldInPostgres((text) => cluster.execute(text, database)),
  });
  let living = [...world.nodes];
  for (let kill = 0; kill < KILLS; kill++) {
    await world.feed.untilMore(1 + Math.floor(Math.random() * MAX_BETWEEN));
    const victim = living[Math.floor(Math.random() * living.length)];
    assert.ok(victim);
    await world.kill(victim);
    await world.noteHeld(victim);
    living = living.filter((node) => node !== victim);
    living.push(await world.start());
  }
  await world.settle();
});
