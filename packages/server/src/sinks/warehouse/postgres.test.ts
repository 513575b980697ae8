import assert from 'node:assert/strict';
import { chmodSync, chownSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  PASSWORD,
  startTestCluster,
  type TestCluster,
  withoutPostgres,
} from '../../store/postgres/fixtures/test-cluster.ts';
import { writeCertificate } from '../fixtures/test-server.ts';
import {
  type Destination,
  itemAt,
  openSink,
  testSinkKind,
  troubleOf,
} from '../fixtures/test-sink-kind.ts';
import { toItem } from '../fixtures/to-item.ts';

const never = new AbortController().signal;

/** From then on it speaks TLS to those who want it. */
async function addTls(cluster: TestCluster): Promise<void> {
  const { cert, key } = writeCertificate(cluster.folder);
  // It takes no key that others could read, and reads it as a user of its own.
  const { uid, gid } = statSync(cluster.folder);
  chmodSync(key, 0o600);
  chownSync(key, uid, gid);
  await cluster.execute(`ALTER SYSTEM SET ssl_cert_file = '${cert}'`);
  await cluster.execute(`ALTER SYSTEM SET ssl_key_file = '${key}'`);
  await cluster.execute('ALTER SYSTEM SET ssl = on');
  await cluster.execute('SELECT pg_reload_conf()');
}

/** Each process of the server is in a group of its own. */
function signalAll({ folder }: TestCluster, name: NodeJS.Signals): void {
  const pid = Number(readFileSync(join(folder, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? [];
  for (const one of [pid, ...children.map(Number)]) {
    try {
      process.kill(one, name);
    } catch (error) {
      // One whose client has gone ends by itself.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

const settingsOf = ({ port }: TestCluster) => ({
  host: 'localhost',
  port,
  tls: false,
  username: 'posthorn',
  password: PASSWORD,
  database: 'postgres',
});

async function startDestination(): Promise<Destination> {
  const cluster = await startTestCluster();
  await addTls(cluster);
  return {
    server: {
      ...cluster,
      freeze: () => signalAll(cluster, 'SIGSTOP'),
      thaw: () => signalAll(cluster, 'SIGCONT'),
      async kill() {
        signalAll(cluster, 'SIGKILL');
        await cluster.kill();
      },
    },
    settings: settingsOf(cluster),
    wrongCredentials: { password: 'wrong' },
    wrongTarget: { database: 'nobody' },
    tls: { tls: true },
    async read() {
      const rows = await cluster.execute('SELECT id FROM posthorn_events ORDER BY id');
      return rows.map((row) => (row as { id: string }).id);
    },
  };
}

testSinkKind(
  { kind: 'postgres', missing: withoutPostgres, dropsRepeats: true, survivesKill: true },
  startDestination,
);

describe('tables of PostgreSQL', { skip: withoutPostgres }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster?.stop());

  async function send(items = [itemAt(1)], settings: object = {}) {
    const sink = await openSink('postgres', { ...settingsOf(cluster), ...settings });
    try {
      return await sink.send(items, never);
    } finally {
      await sink.close();
    }
  }

  test('one is made, with the whole event in it, and the same event stands there once', async () => {
    const event = itemAt(1);
    await send([event, itemAt(2)]);
    await send([event, itemAt(3)]);
    const rows = await cluster.execute('SELECT * FROM posthorn_events ORDER BY id');
    assert.equal(rows.length, 3);
    assert.deepEqual(rows[0], {
      id: 'evt_000001',
      type: 'email.bounced',
      timestamp: new Date(event.event.timestamp),
      message_id: event.event.data.message?.id,
      recipient: event.event.data.recipient,
      event: { n: 1 },
    });
  });

  test('one of an older version gets the columns that it does not have; those of others stay', async () => {
    await cluster.execute(
      `CREATE TABLE old (id text PRIMARY KEY, type text, "timestamp" timestamp, own int DEFAULT 7)`,
    );
    const item = itemAt(1);
    await send([item], { table: 'old' });
    const [row] = await cluster.execute(
      `SELECT own, recipient, event, "timestamp"::text AS at FROM old`,
    );
    assert.deepEqual(row, {
      own: 7,
      recipient: item.event.data.recipient,
      event: { n: 1 },
      at: item.event.timestamp.replace('T', ' ').replace(/(\.000)?Z/, ''),
    });
  });

  test('one in partitions is known by id and time', async () => {
    await cluster.execute(`
      CREATE SCHEMA mail;
      CREATE TABLE mail.parts (id varchar(100), "timestamp" timestamptz, UNIQUE ("timestamp", id))
        PARTITION BY RANGE ("timestamp");
      CREATE TABLE mail.part PARTITION OF mail.parts DEFAULT`);
    const settings = { schema: 'mail', table: 'parts' };
    await send([itemAt(1), itemAt(2)], settings);
    await send([itemAt(2)], settings);
    assert.equal((await cluster.execute('SELECT id FROM mail.parts')).length, 2);
  });

  for (const [columns, reason] of [
    ['id int PRIMARY KEY', /the column id is of the type integer; it has to be text or/],
    ['id text PRIMARY KEY, event bytea', /the column event is of the type bytea/],
    ['id text PRIMARY KEY, tenant int NOT NULL', /the column tenant must not be empty/],
    ['id text PRIMARY KEY, recipient text NOT NULL', /the column recipient must not be empty/],
    ['id text', /it needs a primary key or a unique index of id/],
    ['type text PRIMARY KEY', /it needs a primary key or a unique index of id/],
  ] as const) {
    test(`one with (${columns}) does not fit`, async () => {
      await cluster.execute(`DROP TABLE IF EXISTS odd; CREATE TABLE odd (${columns})`);
      const { code, message } = await troubleOf(send([itemAt(1)], { table: 'odd' }));
      assert.deepEqual([code, reason.test(message)], ['schema_conflict', true], message);
    });
  }

  test('what it cannot store is refused, and says why', async () => {
    const item = toItem(9, itemAt(9).event, { text: 'zero \u0000 byte' });
    const { code, message } = await troubleOf(send([itemAt(8), item]));
    assert.equal(code, 'refused');
    assert.match(message, /unsupported Unicode escape sequence/);
    assert.deepEqual(
      await cluster.execute(`SELECT id FROM posthorn_events WHERE id > 'evt_000007'`),
      [],
    );
  });

  test('who may not make a table, or nothing at all, is told so; who may insert is enough', async () => {
    await cluster.execute(`CREATE USER reader PASSWORD 'p'`);
    await cluster.execute('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
    const reader = { username: 'reader', password: 'p' };
    const { code, message } = await troubleOf(send([itemAt(1)], { ...reader, table: 'others' }));
    assert.deepEqual(
      [code, /permission denied for schema public/.test(message)],
      ['credentials', true],
    );
    assert.equal((await troubleOf(send([itemAt(1)], reader))).code, 'credentials');
    await cluster.execute('GRANT SELECT (id), INSERT ON posthorn_events TO reader');
    await send([itemAt(1), itemAt(6)], reader);
    assert.equal((await troubleOf(send([itemAt(1)], { schema: 'nowhere' }))).code, 'not_found');
  });

  test('what the server has in its environment is not for sinks', async (t) => {
    process.env['PGPASSWORD'] = PASSWORD;
    t.after(() => delete process.env['PGPASSWORD']);
    const { code } = await troubleOf(send([itemAt(1)], { password: undefined }));
    assert.equal(code, 'credentials');
  });
});
