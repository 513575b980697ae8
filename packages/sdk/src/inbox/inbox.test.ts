import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { createClient } from 'redis';
import {
  startTestCluster,
  type TestCluster,
  withoutPostgres,
} from '../../../server/src/store/postgres/fixtures/test-cluster.ts';
import { describeInbox } from './conformance/describe-inbox.ts';
import { startTestRedis, type TestRedis, withoutRedis } from './fixtures/test-redis.ts';
import { createMemoryInbox } from './memory.ts';
import { createPostgresInbox } from './postgres.ts';
import { createRedisInbox } from './redis/redis.ts';
import { createSqliteInbox } from './sqlite.ts';

const batch = { queue: 'q', nowMs: 1, retainUntilMs: 2, replay: null };

describe('the inbox in memory', () => {
  const inbox = createMemoryInbox();
  describeInbox({ open: async () => inbox });

  test('says that it is not durable', async () => {
    assert.match(String((await inbox.open()).warnings), /memory/);
  });
});

describe('the inbox in SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-inbox-'));
  const opened: DatabaseSync[] = [];
  const openDatabase = (): DatabaseSync => {
    const database = new DatabaseSync(join(folder, 'inbox.db'));
    opened.push(database);
    return database;
  };
  after(() => {
    for (const database of opened) database.close();
    rmSync(folder, { recursive: true });
  });
  describeInbox({ open: async () => createSqliteInbox({ database: openDatabase() }) });

  test('syncs what is put, all that comes in one turn at once, and nothing else', async () => {
    const opened = openDatabase();
    const executed: string[] = [];
    const exec = (sql: string) => {
      executed.push(sql);
      opened.exec(sql);
    };
    const database = { exec, prepare: (sql: string) => opened.prepare(sql) };
    const inbox = createSqliteInbox({ database });
    assert.deepEqual(await inbox.open(), { warnings: [] });
    const mode = opened.prepare('PRAGMA journal_mode').get();
    assert.deepEqual({ ...mode }, { journal_mode: 'wal' });
    executed.length = 0;
    const put = (key: string) =>
      inbox.put({ ...batch, entries: [{ key, lane: null, event: '{}' }] });
    await Promise.all([put('a'), put('b'), put('c')]);
    assert.deepEqual(
      executed.filter((sql) => !/SAVEPOINT|RELEASE/.test(sql)),
      ['PRAGMA synchronous = FULL', 'BEGIN IMMEDIATE', 'COMMIT', 'PRAGMA synchronous = NORMAL'],
    );
    executed.length = 0;
    const claim = { queue: 'q', lease: 'l', nowMs: 1, leaseMs: 1, limit: 1 };
    for (const one of await inbox.claim(claim)) assert.ok(await inbox.finish('q', one));
    assert.ok(!executed.some((sql) => /FULL/.test(sql)));
  });

  test('stores nothing of a batch that fails, and spares those beside it', async () => {
    const inbox = createSqliteInbox({ database: openDatabase() });
    const wrong = { key: 'b', lane: null, event: null as unknown as string };
    const entries = [{ key: 'a', lane: null, event: '{}' }, wrong];
    const of = (queue: string) => ({ ...batch, queue, entries: entries.slice(0, 1) });
    const outcomes = await Promise.allSettled([
      inbox.put(of('before')),
      inbox.put({ ...batch, queue: 'broken', entries }),
      inbox.put(of('after')),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    const pending = async (queue: string) => (await inbox.stats(queue)).pending;
    assert.deepEqual(
      [await pending('before'), await pending('broken'), await pending('after')],
      [1, 0, 1],
    );
  });

  test('takes the name of its table, and none that is none', async () => {
    const database = openDatabase();
    const inbox = createSqliteInbox({ database, table: 'mail_events' });
    await inbox.open();
    const names = database.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'mail%'").all();
    assert.equal(names.length, 6);
    assert.throws(() => createSqliteInbox({ database, table: 'x; DROP' }), TypeError);
  });
});

describe('the inbox in PostgreSQL', { skip: withoutPostgres }, () => {
  let cluster: TestCluster;
  let pool: Pool;
  before(async () => {
    cluster = await startTestCluster();
    pool = new Pool({ connectionString: cluster.url(), max: 8 });
  });
  after(async () => {
    await pool.end();
    await cluster.stop();
  });
  describeInbox({ open: async () => createPostgresInbox({ client: pool }) });

  test('can be opened by several processes at once', async () => {
    const openings = Array.from({ length: 8 }, () =>
      createPostgresInbox({ client: pool, table: 'all_at_once' }).open(),
    );
    assert.deepEqual(
      await Promise.all(openings),
      openings.map(() => ({ warnings: [] })),
    );
  });
});

describe('the inbox in Redis', { skip: withoutRedis }, () => {
  let server: TestRedis;
  before(async () => {
    server = await startTestRedis();
  });
  after(() => server.stop());

  describe('with ioredis', () => {
    let client: Redis;
    before(() => {
      client = new Redis({ port: server.port });
    });
    after(() => client.disconnect());
    describeInbox({ open: async () => createRedisInbox({ client }) });

    test('warns when Redis does not sync every write', async () => {
      const inbox = createRedisInbox({ client });
      assert.deepEqual(await inbox.open(), { warnings: [] });
      await client.config('SET', 'appendfsync', 'everysec');
      assert.match(String((await inbox.open()).warnings), /appendfsync everysec/);
      await client.config('SET', 'appendfsync', 'always');
    });
  });

  describe('with node-redis', () => {
    const connect = () => createClient({ socket: { port: server.port } }).connect();
    let client: Awaited<ReturnType<typeof connect>>;
    before(async () => {
      client = await connect();
    });
    after(() => client.destroy());
    describeInbox({ open: async () => createRedisInbox({ client, prefix: 'other' }) });
  });
});
