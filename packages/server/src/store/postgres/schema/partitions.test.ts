import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { Client } from 'pg';
import { lowestIdAt } from '../../../core/ids.ts';
import { createTestClock } from '../../../lib/fixtures/test-clock.ts';
import { createSandbox, DAY_MS, NODE, NOW_MS, type Sandbox } from '../../conformance/sandbox.ts';
import type { Engine } from '../../engine.ts';
import { openTestEngine } from '../fixtures/open-test-engine.ts';
import { startTestCluster, type TestCluster, withoutPostgres } from '../fixtures/test-cluster.ts';

describe('partitions by day', { skip: withoutPostgres }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  async function open(
    t: TestContext,
    options: { dropFromBytes?: number; nowMs?: number } = {},
  ): Promise<{ engine: Engine; box: Sandbox; database: string }> {
    const { nowMs = NOW_MS, ...rest } = options;
    const database = await cluster.createDatabase();
    const clock = createTestClock(nowMs);
    const engine = await openTestEngine(cluster.url(database), { clock, ...rest });
    t.after(() => engine.close());
    return { engine, box: await createSandbox(engine), database };
  }

  /** The partitions of a table and how many rows each has. */
  async function partitionsOf(database: string, table: string): Promise<Map<string, number>> {
    const rows = await cluster.execute(
      `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
       WHERE i.inhparent = 'posthorn.${table}'::regclass ORDER BY 1`,
      database,
    );
    const found = new Map<string, number>();
    for (const { name } of rows as { name: string }[]) {
      const text = `SELECT count(*)::integer AS count FROM posthorn.${name}`;
      const [row] = (await cluster.execute(text, database)) as { count: number }[];
      found.set(name, row?.count ?? 0);
    }
    return found;
  }

  async function purge(engine: Engine, nowMs: number): Promise<number> {
    let sum = 0;
    for (;;) {
      const { purged, more } = await engine.purgeExpired({ nowMs, limit: 100 });
      sum += purged;
      if (!more) return sum;
    }
  }

  /** Events whose ids are of a day, each delivered once. */
  async function appendDelivered(box: Sandbox, atMs: number, count: number): Promise<void> {
    box.owes({ node: NODE });
    for (let i = 0; i < count; i++) {
      const id = lowestIdAt('event', atMs + i);
      await box.log.append([box.event({ id })]);
      const failed = { state: 'pending', dueAtMs: NOW_MS, failures: 1 } as const;
      await box.engine.recordAttempt(box.attempt(id, { next: failed }));
      await box.engine.claimDeliveries(box.claim());
      await box.engine.recordAttempt(box.attempt(id, { number: 2 }));
    }
  }

  const TABLES = ['events', 'attempts', 'message_bodies'];

  test('are there for today and a week ahead, and more are made as time goes by', async (t) => {
    const { engine, database } = await open(t);
    for (const table of TABLES) {
      const names = [...(await partitionsOf(database, table)).keys()];
      assert.equal(names.length, 9);
      assert.equal(names[0], `${table}_20260115`);
      assert.equal(names.at(-1), `${table}_default`);
    }
    await purge(engine, NOW_MS + 3 * DAY_MS);
    const names = [...(await partitionsOf(database, 'events')).keys()];
    // Those of the past had nothing in them.
    assert.deepEqual([names.length, names[0]], [9, 'events_20260118']);
    assert.equal(names.at(-2), 'events_20260125');
  });

  test('take what belongs to their day; what has an id from elsewhere goes to the rest', async (t) => {
    const { box, engine, database } = await open(t);
    await appendDelivered(box, NOW_MS, 2);
    await appendDelivered(box, NOW_MS + DAY_MS, 1);
    await appendDelivered(box, NOW_MS - 90 * DAY_MS, 1);
    const future = NOW_MS + 9 * DAY_MS;
    await appendDelivered(box, future, 1);
    const events = await partitionsOf(database, 'events');
    assert.deepEqual(
      [events.get('events_20260115'), events.get('events_20260116'), events.get('events_default')],
      [2, 1, 2],
    );
    const attempts = await partitionsOf(database, 'attempts');
    assert.equal(attempts.get('attempts_20260115'), 2);
    // A day that comes to have a partition takes what was in the rest of it.
    await purge(engine, NOW_MS + 2 * DAY_MS);
    const later = await partitionsOf(database, 'events');
    assert.deepEqual([later.get('events_20260124'), later.get('events_default')], [1, 1]);
    const id = lowestIdAt('event', future);
    assert.ok(await box.store.events.get(box.projectId, id));
  });

  test('are dropped when all of their rows have expired and nobody needs them', async (t) => {
    // As if they were large: their rows are not deleted one by one.
    const { box, engine, database } = await open(t, { dropFromBytes: 0 });
    await appendDelivered(box, NOW_MS, 5);
    const events = await engine.db.selectFrom('events').select('retain_until').execute();
    const expiresAtMs = Math.max(...events.map((one) => one.retain_until));
    await purge(engine, expiresAtMs - 1);
    const before = await partitionsOf(database, 'events');
    assert.equal(before.get('events_20260115'), 5);
    await purge(engine, expiresAtMs);
    // What they were owed went with the first round; the second finds nobody in need of them.
    await purge(engine, expiresAtMs);
    for (const table of ['events', 'attempts']) {
      const after = await partitionsOf(database, table);
      assert.equal(after.has(`${table}_20260115`), false, table);
    }
  });

  test('stay while one of their events is still owed, and the others are deleted by themselves', async (t) => {
    const { box, engine, database } = await open(t, { dropFromBytes: 0 });
    await appendDelivered(box, NOW_MS, 5);
    box.owes({});
    const owed = box.event({ id: lowestIdAt('event', NOW_MS + 9) });
    await box.log.append([owed]);
    for (let round = 0; round < 2; round++) await purge(engine, NOW_MS + 40 * DAY_MS);
    assert.equal((await partitionsOf(database, 'events')).get('events_20260115'), 1);
    const { deliveries } = await engine.claimDeliveries(box.claim());
    assert.deepEqual(
      deliveries.map(({ eventId }) => eventId),
      [owed.event.id],
    );
    await engine.recordAttempt(box.attempt(owed.event.id));
    for (let round = 0; round < 2; round++) await purge(engine, NOW_MS + 40 * DAY_MS);
    assert.equal((await partitionsOf(database, 'events')).has('events_20260115'), false);
  });

  test('that somebody reads for long are left for the next round', async (t) => {
    const { box, engine, database } = await open(t);
    await appendDelivered(box, NOW_MS, 1);
    const nowMs = NOW_MS + 40 * DAY_MS;
    const today = 'events_20260224';
    const reader = new Client({ connectionString: cluster.url(database) });
    await reader.connect();
    await reader.query('BEGIN');
    await reader.query('SELECT count(*) FROM posthorn.events');
    await purge(engine, nowMs);
    const during = await partitionsOf(database, 'events');
    // Its rows had expired and are gone; it stands there empty, and nobody had to wait for the reader.
    assert.deepEqual([during.get('events_20260115'), during.has(today)], [0, false]);
    box.owes();
    await box.log.append([box.event()]);
    await reader.end();
    await purge(engine, nowMs);
    const after = await partitionsOf(database, 'events');
    assert.deepEqual([after.has('events_20260115'), after.has(today)], [false, true]);
    assert.equal(engine.health().ok, true);
  });
});
