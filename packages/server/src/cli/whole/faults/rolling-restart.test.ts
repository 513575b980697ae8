import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  startTestCluster,
  withoutPostgres,
} from '../../../store/postgres/fixtures/test-cluster.ts';
import { heldInPostgres, startFaultWorld } from './fixtures/fault-world.ts';
import { runSize } from './fixtures/run-size.ts';

const ROUNDS = runSize(1, 5);
/** Things that are acknowledged between two replacements. */
const BETWEEN = runSize(25, 50);

test('all nodes are replaced one after the other under load: nothing is lost, and nothing goes twice', async (t) => {
  if (withoutPostgres !== false) return t.skip(withoutPostgres);
  const cluster = await startTestCluster();
  t.after(() => cluster.stop());
  const database = await cluster.createDatabase();
  const world = await startFaultWorld(t, {
    nodes: [{}, {}, {}],
    databaseUrl: cluster.url(database),
    heldBy: heldInPostgres((text) => cluster.execute(text, database)),
  });
  for (let round = 0; round < ROUNDS; round++) {
    for (const node of world.nodes.slice(-3)) {
      await world.feed.untilMore(BETWEEN);
      await world.start();
      await world.kill(node, 'SIGTERM');
      assert.equal(await node.ended, 0);
    }
  }
  await world.feed.untilMore(BETWEEN);
  await world.settle();
});
