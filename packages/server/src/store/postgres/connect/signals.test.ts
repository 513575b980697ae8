import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import { until } from '../../../lib/fixtures/test-clock.ts';
import { type Log, silentLog } from '../../../lib/log.ts';
import { createSandbox } from '../../conformance/sandbox.ts';
import { type Engine, SIGNALS, type Signal } from '../../engine.ts';
import { openTestEngine } from '../fixtures/open-test-engine.ts';
import { startPgBouncer, withoutPgBouncer } from '../fixtures/pgbouncer.ts';
import { startTestCluster, type TestCluster, withoutPostgres } from '../fixtures/test-cluster.ts';

/** Waits of this module are a fiftieth as long. */
const HASTY: Clock = {
  now: systemClock.now,
  after: (delayMs, action) => systemClock.after(delayMs / 50, action),
};

const CHANGE = `INSERT INTO posthorn.changes (position, kind, project_id, id, created_at)
  SELECT coalesce(max(position), 0) + 1, 'project', 'prj_1', 'prj_1', 0 FROM posthorn.changes`;
const listeners = (pids = 'pid') =>
  `SELECT ${pids} FROM pg_stat_activity WHERE query = 'LISTEN posthorn' AND state = 'idle'`;

describe('signals', { skip: withoutPostgres }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  async function open(
    t: TestContext,
    database: string,
    options: Parameters<typeof openTestEngine>[1] & { url?: string } = {},
  ): Promise<{ engine: Engine; told: Signal[]; warned: string[] }> {
    const warned: string[] = [];
    const log: Log = {
      ...silentLog,
      warn: (fields) => void warned.push(JSON.stringify(fields)),
    };
    const { url = cluster.url(database), ...rest } = options;
    const engine = await openTestEngine(url, { log, ...rest });
    t.after(() => engine.close());
    const told: Signal[] = [];
    engine.onSignal((signal) => told.push(signal));
    return { engine, told, warned };
  }

  /** Both are told everything once when they begin to hear. */
  async function untilHeard(nodes: readonly { told: Signal[] }[]): Promise<void> {
    for (const { told } of nodes) {
      await until('it hears', () => told.length === SIGNALS.length);
      told.length = 0;
    }
  }

  const change = (engine: Engine): Promise<unknown> =>
    engine.commit({ events: [], statements: [{ sql: CHANGE, parameters: [], signal: 'change' }] });

  test('tell the others what was committed and concerns them, and not oneself', async (t) => {
    const database = await cluster.createDatabase();
    const a = await open(t, database);
    const b = await open(t, database);
    await untilHeard([a, b]);
    const box = await createSandbox(a.engine);
    b.told.length = 0;
    // Held by this node, or due later: nobody else has anything to do with it.
    box.owes({ node: 'node_here' });
    await box.log.append([box.event()]);
    box.owes({ dueAtMs: Date.now() + 60_000 });
    await box.log.append([box.event()]);
    const refused = { sql: CHANGE, parameters: [], signal: 'work' as const, mustAffect: 2 };
    await assert.rejects(a.engine.commit({ events: [], statements: [refused] }));
    await change(a.engine);
    await until('b is told', () => b.told.includes('change'));
    assert.ok(!b.told.includes('work'));
    box.owes({});
    await box.log.append([box.event()]);
    await until('b is told of work', () => b.told.includes('work'));
    const transmissions = [{ node: null }];
    b.told.length = 0;
    await a.engine.commit({
      events: [],
      statements: box.message({ id: 'msg_signal', transmissions }),
    });
    await until('b is told of mail', () => b.told.includes('work'));
    await change(b.engine);
    await until('a is told', () => a.told.includes('change'));
    assert.deepEqual(
      a.told.filter((signal) => signal !== 'change'),
      [],
    );
  });

  test('many at once are few, and the last of them is told', async (t) => {
    const database = await cluster.createDatabase();
    const a = await open(t, database);
    const b = await open(t, database);
    await untilHeard([a, b]);
    for (let i = 0; i < 100; i++) await change(a.engine);
    await until('b is told', () => b.told.length >= 2);
    assert.ok(b.told.length < 60, String(b.told.length));
  });

  test('come back after the connection was ended, with all that may have been missed', async (t) => {
    const database = await cluster.createDatabase();
    const a = await open(t, database, { clock: HASTY });
    const b = await open(t, database, { clock: HASTY });
    await untilHeard([a, b]);
    await cluster.execute(listeners('pg_terminate_backend(pid)'));
    await until('both hear again', () => a.told.length >= 2 && b.told.length >= 2);
    assert.deepEqual(b.told.toSorted(), [...SIGNALS].toSorted());
    assert.match(b.warned.join(), /terminat|ended/);
    b.told.length = 0;
    await change(a.engine);
    await until('b is told', () => b.told.includes('change'));
  });

  test('are left out where a server has no NOTIFY, and nothing else is', async (t) => {
    const database = await cluster.createDatabase();
    const capabilities = { notify: false };
    const a = await open(t, database, { capabilities });
    const b = await open(t, database, { capabilities });
    await change(a.engine);
    const rows = await b.engine.db.selectFrom('changes').select('id').execute();
    assert.deepEqual(rows, [{ id: 'prj_1' }]);
    assert.deepEqual(await cluster.execute(listeners()), []);
    assert.deepEqual([a.told, b.told, a.warned, b.warned], [[], [], [], []]);
  });

  describe('through PgBouncer in transaction mode', { skip: withoutPgBouncer }, () => {
    let bouncer: Awaited<ReturnType<typeof startPgBouncer>>;
    before(async () => {
      bouncer = await startPgBouncer(cluster, 3);
    });
    after(() => bouncer.stop());

    test('are heard past it', async (t) => {
      const database = await cluster.createDatabase();
      const url = bouncer.url(database);
      const listenUrl = cluster.url(database);
      const a = await open(t, database, { url, listenUrl });
      const b = await open(t, database, { url, listenUrl });
      await untilHeard([a, b]);
      await change(a.engine);
      await until('b is told', () => b.told.includes('change'));
      assert.deepEqual([a.warned, b.warned], [[], []]);
    });

    test('are not heard behind it, which is said once; the store works all the same', async (t) => {
      const database = await cluster.createDatabase();
      const url = bouncer.url(database);
      const a = await open(t, database, { url, clock: HASTY });
      await until('it is said', () => a.warned.length > 0);
      assert.match(a.warned.join(), /pooler in transaction mode\? Let database_listen_url lead/);
      await change(a.engine);
      assert.equal((await a.engine.db.selectFrom('changes').selectAll().execute()).length, 1);
      assert.deepEqual(a.told, []);
      assert.equal(a.warned.length, 1);
    });
  });
});
