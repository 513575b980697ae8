import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  startTestCluster,
  withoutPostgres,
} from '../../../store/postgres/fixtures/test-cluster.ts';
import { heldInPostgres, startFaultWorld } from './fixtures/fault-world.ts';
import { startTcpProxy } from './fixtures/tcp-proxy.ts';

const ROUNDS = 6;
/** What had arrived at the database by then has been committed, or never will be. */
const SETTLED_MS = 2_000;

test('a node loses its database without being told: the others go on, and it comes back', async (t) => {
  if (withoutPostgres !== false) return t.skip(withoutPostgres);
  const cluster = await startTestCluster();
  t.after(() => cluster.stop());
  const database = await cluster.createDatabase();
  const proxies = await Promise.all([1, 2, 3].map(() => startTcpProxy(cluster.port)));
  t.after(() => {
    for (const proxy of proxies) proxy.close();
  });
  const urlThrough = ({ port }: { port: number }): string =>
    cluster.url(database).replace(/:\d+\//, `:${port}/`);
  const world = await startFaultWorld(t, {
    nodes: proxies.map((proxy) => ({ databaseUrl: urlThrough(proxy) })),
    databaseUrl: cluster.url(database),
    heldBy: heldInPostgres((text) => cluster.execute(text, database)),
  });
  for (let round = 0; round < ROUNDS; round++) {
    await world.feed.untilMore(100);
    const at = round % proxies.length;
    const [proxy, victim] = [proxies[at], world.nodes[at]];
    assert.ok(proxy && victim);
    proxy.mode = 'hole';
    await world.noteHeld(victim);
    await delay(SETTLED_MS);
    await world.noteHeld(victim);
    await untilGone(world.noteHeld, victim);
    const fromMs = Date.now();
    proxy.mode = 'open';
    proxy.reset();
    await untilItTakesWork(victim.httpUrl);
    while ((await world.client.get('/v1/nodes')).data.length < proxies.length) await delay(50);
    world.noteSpan({ fromMs, toMs: Date.now() });
  }
  await world.feed.untilMore(100);
  await world.settle();
});

/** Until the others have taken over what it held. */
async function untilGone<T>(noteHeld: (node: T) => Promise<number>, node: T): Promise<void> {
  while ((await noteHeld(node)) > 0) await delay(100);
}

async function untilItTakesWork(httpUrl: string): Promise<void> {
  while (!(await fetch(`${httpUrl}/readyz`)).ok) await delay(100);
}
