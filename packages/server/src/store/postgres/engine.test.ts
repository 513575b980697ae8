import assert from 'node:assert/strict';
import { chownSync, statSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { createTestClock, until } from '../../lib/fixtures/test-clock.ts';
import { describeStore } from '../conformance/describe-store.ts';
import { createSandbox, NODE, NOW_MS } from '../conformance/sandbox.ts';
import { SIGNALS, type Signal, StoreUnavailable } from '../engine.ts';
import { ANY_MESSAGE } from '../mail/message-search.ts';
import { ANY_DELIVERY } from '../webhooks/delivery-queries/delivery-filter.ts';
import { createCertificates } from './fixtures/certificates.ts';
import { createOpener, openTestEngine } from './fixtures/open-test-engine.ts';
import { startTestCluster, type TestCluster, withoutPostgres } from './fixtures/test-cluster.ts';

describe('PostgreSQL', { skip: withoutPostgres }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  const createUrl = async (): Promise<string> => cluster.url(await cluster.createDatabase());

  // With the clock of the cases, so that their ids are of a day that has partitions.
  describeStore(
    'PostgreSQL',
    createOpener(() => cluster, { clock: createTestClock(NOW_MS) }),
  );

  describe('the schema', () => {
    test('is made once, however many nodes start at once, and stays as it is', async () => {
      const url = await createUrl();
      const engines = await Promise.all(Array.from({ length: 5 }, () => openTestEngine(url)));
      for (const engine of engines) await engine.close();
      const database = new URL(url).pathname.slice(1);
      const read = () =>
        cluster.execute('SELECT version, name FROM posthorn.schema_migrations', database);
      const schema = await read();
      assert.deepEqual(schema, [{ version: 1, name: '0001-start.sql' }]);
      await (await openTestEngine(url)).close();
      assert.deepEqual(await read(), schema);
    });

    test('of a newer Posthorn is refused in plain words and left alone', async () => {
      const database = await cluster.createDatabase();
      await (await openTestEngine(cluster.url(database))).close();
      await cluster.execute(
        "INSERT INTO posthorn.schema_migrations VALUES (99, '0099-from-the-future.sql', 0)",
        database,
      );
      await assert.rejects(openTestEngine(cluster.url(database)), (error: Error) => {
        assert.match(error.message, /^The database has schema 99, .* Start the newer version/);
        return !(error instanceof StoreUnavailable);
      });
    });

    test('is in a schema of its own: tables of the same names beside it are not touched', async () => {
      const database = await cluster.createDatabase();
      await cluster.execute("CREATE TABLE public.events AS SELECT 'theirs' AS owner", database);
      const engine = await openTestEngine(cluster.url(database));
      const box = await createSandbox(engine);
      await box.log.append([box.event()]);
      await engine.close();
      assert.deepEqual(await cluster.execute('SELECT * FROM public.events', database), [
        { owner: 'theirs' },
      ]);
    });

    test('that was copied without its sequence goes on behind the last place', async () => {
      const database = await cluster.createDatabase();
      const first = await openTestEngine(cluster.url(database));
      const box = await createSandbox(first);
      for (let i = 0; i < 5; i++) await box.log.append([box.event()]);
      const end = await first.logEnd();
      await first.close();
      await cluster.execute("SELECT setval('posthorn.log_position', 1)", database);
      const second = await openTestEngine(cluster.url(database));
      const after = await createSandbox(second);
      await after.log.append([after.event()]);
      assert.equal(await second.logEnd(), end + 1);
      await second.close();
    });
  });

  describe('a commit', () => {
    test('is synced although the database is set not to', async () => {
      const database = await cluster.createDatabase();
      await cluster.execute(`ALTER DATABASE ${database} SET synchronous_commit = off`);
      const engine = await openTestEngine(cluster.url(database));
      const box = await createSandbox(engine);
      // The transaction tells of itself, by way of a row.
      const sql = `INSERT INTO posthorn.facts SELECT 'sync', current_setting('synchronous_commit')`;
      await engine.commit({ events: [], statements: [{ sql, parameters: [] }] });
      const row = await engine.db.selectFrom('facts').selectAll().execute();
      assert.deepEqual(
        row.filter(({ name }) => name === 'sync'),
        [{ name: 'sync', value: 'on' }],
      );
      assert.ok(box);
      await engine.close();
    });
  });

  describe('a second URL', () => {
    test('is asked for lists, and for nothing else', async () => {
      // A standby is a database that answers and takes no writes; here it lags for ever.
      const behind = await cluster.createDatabase();
      await (await openTestEngine(cluster.url(behind))).close();
      await cluster.execute(`ALTER DATABASE ${behind} SET default_transaction_read_only = on`);
      const readUrl = cluster.url(behind);
      const engine = await openTestEngine(await createUrl(), { readUrl });
      const box = await createSandbox(engine);
      box.owes({});
      const one = box.event();
      await box.log.append([one]);
      const { store, projectId } = box;
      const page = { projectId, limit: 9, beforeId: null };
      const query = { ...page, types: [], messageKey: null, recipient: null };
      assert.deepEqual((await store.events.list(query)).rows, []);
      assert.deepEqual((await store.messages.list({ ...ANY_MESSAGE, ...page })).rows, []);
      const filter = { ...ANY_DELIVERY, ...page };
      assert.deepEqual((await store.deliveries.list(filter)).rows, []);
      assert.ok(await store.events.get(projectId, one.event.id));
      const feed = { ...query, types: null, afterPosition: 0 };
      assert.equal((await store.feed.after(feed)).events.length, 1);
      await engine.close();
    });
  });

  describe('a closed store', () => {
    test('has stored what was under way, refuses work, and may be closed again', async () => {
      const engine = await openTestEngine(await createUrl());
      const box = await createSandbox(engine);
      box.owes({ node: NODE });
      const appended = Array.from({ length: 50 }, () => box.log.append([box.event()]));
      await engine.close();
      await engine.close();
      assert.equal((await Promise.all(appended)).length, 50);
      await assert.rejects(box.log.append([box.event()]), { code: 'closed' });
      await assert.rejects(engine.recordAttempt(box.attempt('evt_x')), { code: 'closed' });
      await assert.rejects(engine.claimDeliveries(box.claim()), { code: 'closed' });
      await assert.rejects(box.store.events.get('p', 'e'), { code: 'closed' });
    });
  });
});

describe('PostgreSQL with TLS', { skip: withoutPostgres }, () => {
  let cluster: TestCluster;
  let authority: string;
  before(async () => {
    cluster = await startTestCluster(['ssl = off']);
    const made = createCertificates(cluster.folder, 'DNS:localhost, IP:127.0.0.1');
    authority = made.authority;
    const { uid, gid } = statSync(cluster.folder);
    chownSync(made.key, uid, gid);
    await cluster.execute(`ALTER SYSTEM SET ssl_cert_file = '${made.certificate}'`);
    await cluster.execute(`ALTER SYSTEM SET ssl_key_file = '${made.key}'`);
    await cluster.execute('ALTER SYSTEM SET ssl = on');
    await cluster.execute('SELECT pg_reload_conf()');
  });
  after(() => cluster.stop());

  test('verify-full takes the certificate of the right authority and name, and no other', async () => {
    const database = await cluster.createDatabase();
    const url = (mode: string, host = '127.0.0.1') =>
      cluster.url(database, `?sslmode=${mode}`).replace('@127.0.0.1', `@${host}`);
    const trusted = `verify-full&sslrootcert=${authority}`;
    for (const good of [url(trusted), url(trusted, 'localhost'), url('require')]) {
      const engine = await openTestEngine(good);
      const sql = `INSERT INTO posthorn.facts SELECT 'tls', ssl::text FROM pg_stat_ssl
        WHERE pid = pg_backend_pid() ON CONFLICT (name) DO UPDATE SET value = excluded.value`;
      await engine.commit({ events: [], statements: [{ sql, parameters: [], mustAffect: 1 }] });
      const facts = await engine.db.selectFrom('facts').selectAll().execute();
      assert.equal(facts.find(({ name }) => name === 'tls')?.value, 'true');
      await engine.close();
    }
    // The authority is nobody's; then a name that the certificate is not for.
    const refused = { code: 'refused', message: /TLS settings.*certificate/ };
    await assert.rejects(openTestEngine(url('verify-full')), refused);
    await assert.rejects(openTestEngine(url(trusted, '127.0.0.2')), {
      code: 'refused',
      message: /TLS settings.*(not in the cert's list|altnames)/i,
    });
    const engine = await openTestEngine(url(`verify-ca&sslrootcert=${authority}`, '127.0.0.2'));
    await engine.close();
  });

  test('signals come over it too', async () => {
    const database = await cluster.createDatabase();
    const url = cluster.url(database, `?sslmode=verify-full&sslrootcert=${authority}`);
    const engine = await openTestEngine(url);
    const told: Signal[] = [];
    engine.onSignal((signal) => told.push(signal));
    await until('it hears', () => told.length === SIGNALS.length);
    await engine.close();
  });
});
