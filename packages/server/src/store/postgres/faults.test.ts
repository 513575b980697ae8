import assert from 'node:assert/strict';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import { createTestClock, type TestClock, until } from '../../lib/fixtures/test-clock.ts';
import { createSandbox, NODE, NOW_MS, type Sandbox } from '../conformance/sandbox.ts';
import { type Engine, type StoreFault, type StoreHealth, StoreUnavailable } from '../engine.ts';
import { openTestEngine } from './fixtures/open-test-engine.ts';
import { startTestCluster, type TestCluster, withoutPostgres } from './fixtures/test-cluster.ts';

const PROBE_MS = 1_000;

describe('PostgreSQL in trouble', { skip: withoutPostgres }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  interface Opened {
    engine: Engine;
    clock: TestClock;
    told: StoreHealth[];
    box: Sandbox;
    database: string;
  }

  async function open(t: TestContext): Promise<Opened> {
    const database = await cluster.createDatabase();
    const clock = createTestClock(NOW_MS);
    const engine = await openTestEngine(cluster.url(database), { clock });
    t.after(() => engine.close());
    const told: StoreHealth[] = [];
    engine.onHealthChange((health) => told.push(health));
    return { engine, clock, told, box: await createSandbox(engine), database };
  }

  const codes = (told: StoreHealth[]) => told.map((health) => (health.ok ? 'ok' : health.code));

  /** Sees a probe of the store through to its end. */
  async function probe({ engine, clock }: Opened): Promise<void> {
    await clock.advance(PROBE_MS);
    // The next probe is set when this one has failed, and health turns when it has not.
    await until('the probe ended', () => engine.health().ok || clock.nextAtMs() !== null);
  }

  const fails = (code: StoreFault, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof StoreUnavailable, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /p@ss|p%40ss/);
    return true;
  };

  const REFUSALS = `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device'
      USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON posthorn.deliveries
      FOR EACH STATEMENT EXECUTE FUNCTION refuse();
    CREATE TRIGGER refuse_update BEFORE UPDATE ON posthorn.deliveries
      FOR EACH STATEMENT EXECUTE FUNCTION refuse();
    CREATE TRIGGER refuse BEFORE INSERT ON posthorn.probe
      FOR EACH STATEMENT EXECUTE FUNCTION refuse()`;
  const RELIEF = 'DROP FUNCTION refuse CASCADE';

  test('a full disk: commits are refused, attempts are held, and it is over when a probe gets through', async (t) => {
    const opened = await open(t);
    const { box, engine, told, database } = opened;
    box.owes({ node: NODE });
    const held = box.event();
    await box.log.append([held]);
    await cluster.execute(REFUSALS, database);
    const lost = box.event({ messageId: 'm', recipient: 'a@b.test' });
    const full = fails('disk_full', /disk of the database is full.*goes on by itself.*53100/);
    await assert.rejects(box.log.append([lost]), full);
    assert.equal(await box.store.events.get(box.projectId, lost.event.id), null);
    let recorded = false;
    const recording = engine.recordAttempt(box.attempt(held.event.id)).then(() => {
      recorded = true;
    });
    await assert.rejects(engine.claimDeliveries(box.claim()), { code: 'disk_full' });
    await probe(opened);
    assert.deepEqual([engine.health().ok, recorded, codes(told)], [false, false, ['disk_full']]);
    await cluster.execute(RELIEF, database);
    await probe(opened);
    await recording;
    assert.deepEqual(codes(told), ['disk_full', 'ok']);
    const row = await box.store.deliveries.get(box.projectId, held.event.id, box.endpointId);
    assert.equal(row?.state, 'delivered');
    const [again] = await box.log.append([lost]);
    assert.deepEqual([again?.duplicateOf, again?.position?.sequence], [null, 1]);
  });

  test('a database that turns read-only is named as what it is', async (t) => {
    const opened = await open(t);
    const { box, told, database } = opened;
    /** Connections made from now on have it, and of the others none is left. */
    async function set(value: string): Promise<void> {
      await cluster.execute(
        `ALTER DATABASE ${database} SET default_transaction_read_only = ${value}`,
      );
      await cluster.execute(
        `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '${database}'`,
      );
    }
    await set('on');
    const standby = fails('read_only', /is a standby.*database_url lead to the primary.*25006/);
    await assert.rejects(box.log.append([box.event()]), standby);
    await set('off');
    await probe(opened);
    assert.deepEqual(codes(told), ['read_only', 'ok']);
    await box.log.append([box.event()]);
  });

  test('a connection that is ended between two commits is noticed by nobody', async (t) => {
    const { box, told, database } = await open(t);
    for (let round = 0; round < 3; round++) {
      await box.log.append([box.event()]);
      await cluster.execute(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`,
      );
      await box.log.append([box.event()]);
      assert.equal((await box.store.projects.all()).length, 1);
    }
    assert.deepEqual(told, []);
  });

  test('no room for a connection is named as what it is', async (t) => {
    const opened = await open(t);
    const { box, database, told } = opened;
    await cluster.execute(
      `CREATE ROLE guest LOGIN SUPERUSER PASSWORD 'guest'; ALTER DATABASE ${database} CONNECTION LIMIT 1`,
    );
    // A role without special rights: those of a superuser pass the limit.
    await cluster.execute(
      `ALTER ROLE guest NOSUPERUSER; ALTER SCHEMA posthorn OWNER TO guest`,
      database,
    );
    const [, rest] = cluster.url(database).split('@127');
    const guest = `postgres://guest:guest@127${rest}`;
    const full = fails('overloaded', /no room for another connection.*database_pool.*53300/);
    await assert.rejects(openTestEngine(guest), full);
    assert.deepEqual(told, []);
    await box.log.append([box.event()]);
  });

  /** As a network that swallows everything: connections come about, and nobody says a word. */
  async function listenSilently(t: TestContext): Promise<number> {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  test('at the start every fault says what to do', async (t) => {
    const database = await cluster.createDatabase();
    const url = cluster.url(database);
    const start = (text: string) => openTestEngine(text);
    const cases: [string, StoreFault, RegExp][] = [
      [
        url.replace('p%40ss', 'wrong'),
        'refused',
        /or the password is wrong\. .*password authentication failed/,
      ],
      [cluster.url('no_such'), 'refused', /Create it: CREATE DATABASE.*"no_such" does not exist/],
      [url.replace(/:\d+\//, ':1/'), 'unreachable', /cannot be reached.*ECONNREFUSED/],
      [url.replace('127.0.0.1', 'no-such-host.invalid'), 'unreachable', /ENOTFOUND|EAI_AGAIN/],
      [`${url}?sslmode=require`, 'refused', /does not support SSL connections/],
      [
        url.replace(/:\d+\//, `:${await listenSilently(t)}/`),
        'unreachable',
        /cannot be reached.*timeout/,
      ],
    ];
    for (const [text, code, message] of cases) {
      await assert.rejects(start(text), fails(code, message), text.replace(/:[^@]*@/, ':...@'));
    }
    await cluster.execute(`ALTER DATABASE ${database} SET default_transaction_read_only = on`);
    await assert.rejects(start(url), fails('read_only', /a standby can be given as/));
    await cluster.execute("CREATE ROLE nobody LOGIN PASSWORD 'nobody'");
    const [, rest] = cluster.url(await cluster.createDatabase()).split('@127');
    const poor = `postgres://nobody:nobody@127${rest}`;
    await assert.rejects(
      start(poor),
      fails('refused', /GRANT CREATE ON DATABASE.*permission denied for database/),
    );
    const latin = "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0";
    await cluster.execute(latin);
    await assert.rejects(start(cluster.url('latin')), fails('refused', /encoding is LATIN1/));
  });

  /** Passes everything on, until it is told to swallow the answer to the next COMMIT. */
  async function createProxy(t: TestContext): Promise<{ port: number; cutNextCommit(): void }> {
    let armed = false;
    const sockets: Socket[] = [];
    const server: Server = createServer((client) => {
      const upstream = connect(cluster.port, '127.0.0.1');
      sockets.push(client, upstream);
      let cut = false;
      client.on('data', (bytes) => {
        upstream.write(bytes);
        if (!armed || !bytes.includes('COMMIT')) return;
        armed = false;
        cut = true;
      });
      upstream.on('data', (bytes) => {
        if (cut) client.destroy();
        else client.write(bytes);
      });
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        one.on('error', () => {});
        one.on('close', () => other.destroy());
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const address = server.address();
    return {
      port: typeof address === 'object' && address !== null ? address.port : 0,
      cutNextCommit() {
        armed = true;
      },
    };
  }

  test('a commit whose answer is lost is looked up, and is what it was', async (t) => {
    const proxy = await createProxy(t);
    const url = cluster.url(await cluster.createDatabase()).replace(/:\d+\//, `:${proxy.port}/`);
    const engine = await openTestEngine(url);
    t.after(() => engine.close());
    const box = await createSandbox(engine);
    box.owes({ node: NODE });
    const one = box.event({ messageId: 'm', recipient: 'a@b.test' });
    proxy.cutNextCommit();
    const [appended] = await box.log.append([one]);
    assert.deepEqual([appended?.duplicateOf, appended?.position?.sequence], [null, 1]);
    assert.ok(await box.store.events.get(box.projectId, one.event.id));
    box.owes({});
    await box.log.append([box.event()]);
    proxy.cutNextCommit();
    const { deliveries } = await engine.claimDeliveries(box.claim());
    assert.equal(deliveries.length, 1);
    assert.equal(engine.health().ok, true);
  });

  test('killed under load and started again: what was acknowledged is there, what was refused is not', async (t) => {
    const url = cluster.url(await cluster.createDatabase());
    const engine = await openTestEngine(url);
    t.after(() => engine.close());
    const box = await createSandbox(engine);
    box.owes({ node: NODE });
    const acknowledged: string[] = [];
    const refused: string[] = [];
    const recorded: Promise<void>[] = [];
    let running = true;
    const healths: boolean[] = [];
    engine.onHealthChange(({ ok }) => healths.push(ok));
    const load = async (): Promise<void> => {
      while (running) {
        const one = box.event({ messageId: `m${acknowledged.length % 3}`, recipient: 'a@b.test' });
        try {
          await box.log.append([one]);
          acknowledged.push(one.event.id);
          recorded.push(engine.recordAttempt(box.attempt(one.event.id)));
        } catch (error) {
          assert.ok(error instanceof StoreUnavailable, String(error));
          refused.push(one.event.id);
          // Refused at once while it is down; the loop has to give way.
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    };
    const loads = Array.from({ length: 20 }, load);
    try {
      for (let round = 1; round <= 2; round++) {
        const enough = acknowledged.length + 100;
        await until('work was done', () => acknowledged.length >= enough);
        await cluster.kill();
        await until('the store says so', () => !engine.health().ok);
        await cluster.start();
        await until('the store works again', () => engine.health().ok);
      }
      const enough = acknowledged.length + 50;
      await until('work is done again', () => acknowledged.length >= enough);
    } finally {
      running = false;
    }
    await Promise.all(loads);
    await Promise.all(recorded);
    // One of the old connections may end late, and is taken for one more outage then.
    assert.ok(healths.length >= 4, `${healths}`);
    assert.deepEqual(
      healths,
      healths.map((_, i) => i % 2 === 1),
    );
    assert.equal(healths.at(-1), true);
    const rows = await engine.db.selectFrom('events').select(['id', 'position']).execute();
    const stored = new Set(rows.map(({ id }) => id));
    assert.deepEqual(
      [acknowledged.filter((id) => !stored.has(id)), refused.filter((id) => stored.has(id))],
      [[], []],
    );
    assert.equal(stored.size, acknowledged.length);
    const states = await engine.db.selectFrom('deliveries').select('state').distinct().execute();
    assert.deepEqual(states, [{ state: 'delivered' }]);
    const sequences = await engine.db.selectFrom('recipient_states').select('sequence').execute();
    const sum = sequences.reduce((all, { sequence }) => all + sequence, 0);
    assert.equal(sum, acknowledged.length, 'no sequence is left out or given twice');
  });
});
