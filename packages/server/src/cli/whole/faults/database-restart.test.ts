import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  startTestCluster,
  withoutPostgres,
} from '../../../store/postgres/fixtures/test-cluster.ts';
import { heldInPostgres, startFaultWorld } from './fixtures/fault-world.ts';
import { runSize } from './fixtures/run-size.ts';

const RESTARTS = runSize(2, 12);
/** Things that are acknowledged between two of them. */
const BETWEEN = runSize(50, 100);
/** In the long form the last one takes longer than a node may be silent: there was nobody to tell. */
const LAST_OUTAGE_MS = runSize(0, 12_000);

test('PostgreSQL is restarted at once, under load: nothing is lost, and nothing is posted twice', async (t) => {
  if (withoutPostgres !== false) return t.skip(withoutPostgres);
  const cluster = await startTestCluster();
  t.after(() => cluster.stop());
  const database = await cluster.createDatabase();
  const world = await startFaultWorld(t, {
    nodes: [{}, {}, {}],
    databaseUrl: cluster.url(database),
    heldBy: heldInPostgres((text) => cluster.execute(text, database)),
  });
  for (let restart = 1; restart <= RESTARTS; restart++) {
    await world.feed.untilMore(BETWEEN);
    await cluster.stopAtOnce();
    if (restart === RESTARTS) await delay(LAST_OUTAGE_MS);
    await cluster.start();
  }
  await world.feed.untilMore(BETWEEN);
  await world.settle();
});
