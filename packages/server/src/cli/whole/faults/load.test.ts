import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  startTestCluster,
  withoutPostgres,
} from '../../../store/postgres/fixtures/test-cluster.ts';
import { heldInPostgres, startFaultWorld } from './fixtures/fault-world.ts';
import { runSize } from './fixtures/run-size.ts';

/** The long form is 10,000 a minute for ten minutes; the short one is faster and shorter. */
const EVENTS = runSize(2_000, 100_000);
const PER_SECOND = runSize(1_000, 10_000 / 60);
const PER_REQUEST = 20;

test(`${EVENTS} events to an endpoint that fails one time in ten: each is told once`, async (t) => {
  if (withoutPostgres !== false) return t.skip(withoutPostgres);
  const cluster = await startTestCluster();
  t.after(() => cluster.stop());
  const database = await cluster.createDatabase();
  const world = await startFaultWorld(t, {
    nodes: [{}, {}, {}],
    databaseUrl: cluster.url(database),
    heldBy: heldInPostgres((text) => cluster.execute(text, database)),
    failing: 0.1,
    feed: {
      perSecond: PER_SECOND / PER_REQUEST,
      eventsPerRequest: PER_REQUEST,
      messageEvery: 20,
      requestTimeoutMs: 30_000,
    },
  });
  await world.feed.untilMore(EVENTS);
  await world.settle();
  assert.ok(world.receiver.taken.size >= EVENTS);
});
