import { test } from 'node:test';
import {
  startTestCluster,
  withoutPostgres,
} from '../../../store/postgres/fixtures/test-cluster.ts';
import { heldInPostgres, startFaultWorld } from './fixtures/fault-world.ts';
import { startTcpProxy } from './fixtures/tcp-proxy.ts';

const DELAY_MS = 200;
const COUNT = 2_000;

test('PostgreSQL answers slowly: everything takes longer, and nothing is lost or done twice', async (t) => {
  if (withoutPostgres !== false) return t.skip(withoutPostgres);
  const cluster = await startTestCluster();
  t.after(() => cluster.stop());
  const database = await cluster.createDatabase();
  const proxy = await startTcpProxy(cluster.port);
  t.after(() => proxy.close());
  const world = await startFaultWorld(t, {
    nodes: [{}, {}, {}],
    databaseUrl: cluster.url(database).replace(/:\d+\//, `:${proxy.port}/`),
    heldBy: heldInPostgres((text) => cluster.execute(text, database)),
    feed: { requestTimeoutMs: 30_000 },
  });
  await world.feed.untilMore(50);
  proxy.delayMs = DELAY_MS;
  await world.feed.untilMore(COUNT);
  proxy.delayMs = 0;
  await world.settle();
});
