import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  startTestCluster,
  withoutPostgres,
} from '../../../store/postgres/fixtures/test-cluster.ts';
import { readMetric } from '../fixtures/read-metric.ts';
import {
  DECLARED_DEAD,
  type FaultWorld,
  heldInPostgres,
  startFaultWorld,
} from './fixtures/fault-world.ts';
import { runSize } from './fixtures/run-size.ts';

const ROUNDS = runSize(1, 6);
/** Things that are acknowledged before a node stands still. */
const BEFORE_EACH = runSize(50, 100);
const JOINED_AGAIN = 'Other nodes had declared this one dead; it joins again';

test('a node stands still for longer than its lease: what it records late is refused', async (t) => {
  if (withoutPostgres !== false) return t.skip(withoutPostgres);
  const cluster = await startTestCluster();
  t.after(() => cluster.stop());
  const database = await cluster.createDatabase();
  let answers = Promise.resolve();
  const world = await startFaultWorld(t, {
    nodes: [{}, {}, {}],
    databaseUrl: cluster.url(database),
    heldBy: heldInPostgres((text) => cluster.execute(text, database)),
    // Whoever posts waits for its answer when it is stopped.
    hold: () => answers,
    failing: 0,
  });
  for (let round = 0; round < ROUNDS; round++) {
    await world.feed.untilMore(BEFORE_EACH);
    const victim = world.nodes[round % world.nodes.length];
    assert.ok(victim);
    const { promise, resolve: letAnswersGo } = Promise.withResolvers<void>();
    answers = promise;
    await untilItPosts(victim.httpUrl);
    victim.child.kill('SIGSTOP');
    await world.noteHeld(victim);
    letAnswersGo();
    await untilLogged(world, DECLARED_DEAD, round + 1);
    await world.feed.untilMore(20);
    const fromMs = Date.now();
    victim.child.kill('SIGCONT');
    await untilLogged(world, JOINED_AGAIN, round + 1);
    // It is on the list again.
    while ((await world.client.get('/v1/nodes')).data.length < world.nodes.length) await delay(20);
    world.noteSpan({ fromMs, toMs: Date.now() });
  }
  await world.settle();
  const late = await countLateResults(world);
  assert.ok(late >= ROUNDS, 'a late result is kept beside the one that counts');
  t.diagnostic(`${late} late results were refused`);
});

async function untilItPosts(httpUrl: string): Promise<void> {
  while ((await readMetric(httpUrl, 'posthorn_webhook_posts_in_flight')) === 0) await delay(20);
}

/** Until the nodes together have logged it so often. */
async function untilLogged({ nodes }: FaultWorld, text: string, times: number): Promise<void> {
  const count = (): number =>
    nodes.reduce((sum, { stderr }) => sum + stderr().split(text).length - 1, 0);
  while (count() < times) await delay(50);
}

/** Deliveries that were posted twice, and whose first success came too late to count. */
async function countLateResults({ client, receiver }: FaultWorld): Promise<number> {
  let late = 0;
  for (const id of new Set(receiver.again)) {
    const { data } = await client.get(`/v1/deliveries?event_id=${id}`);
    const delivery = await client.get(`/v1/deliveries/${data[0].id}`);
    const successes = delivery.attempts.filter(
      ({ status }: { status: number | null }) => status === 204,
    );
    if (successes.length > 1) late += 1;
  }
  return late;
}
