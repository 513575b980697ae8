import { test } from 'node:test';
import { heldInPostgres, startFaultWorld } from './fixtures/fault-world.ts';
import { startHaCluster, withoutHaCluster } from './fixtures/ha-cluster.ts';

const FAILOVERS = 2;

test('the primary is killed under load and a standby takes its place: nothing is lost or posted twice', async (t) => {
  if (withoutHaCluster !== false) return t.skip(withoutHaCluster);
  const cluster = await startHaCluster();
  t.after(() => cluster.stop());
  await cluster.untilSafe();
  const world = await startFaultWorld(t, {
    nodes: [{}, {}, {}],
    databaseUrl: cluster.url,
    heldBy: heldInPostgres(cluster.query),
  });
  for (let failover = 0; failover < FAILOVERS; failover++) {
    await world.feed.untilMore(300);
    const killed = await cluster.killPrimary();
    // The feed comes through again.
    await world.feed.untilMore(300);
    cluster.restart(killed);
    await cluster.untilSafe(killed);
  }
  await world.settle();
});
