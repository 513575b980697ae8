import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createConnection } from 'mysql2/promise';
import {
  findFreePort,
  findProgram,
  makeFolder,
  startTestServer,
  type TestServer,
  writeCertificate,
} from '../fixtures/test-server.ts';
import {
  type Destination,
  itemAt,
  openSink,
  testSinkKind,
  troubleOf,
} from '../fixtures/test-sink-kind.ts';
import { toItem } from '../fixtures/to-item.ts';
import { findSinkKind } from '../sink-kinds.ts';

const PROGRAM = findProgram('mariadbd');
/** Its own tables, as its installation makes them. */
const SYSTEM_TABLES = ['tables', 'tables_data'].map(
  (name) => `/usr/share/mysql/mysql_system_${name}.sql`,
);
const missing =
  PROGRAM !== undefined && SYSTEM_TABLES.every(existsSync)
    ? false
    : 'MariaDB is not installed (Debian: mariadb-server-core)';
const never = new AbortController().signal;

interface TestMariaDb {
  server: TestServer;
  settings: Record<string, unknown>;
  execute(text: string): Promise<Record<string, unknown>[]>;
}

async function startTestMariaDb(): Promise<TestMariaDb> {
  const folder = makeFolder();
  const data = join(folder, 'data');
  mkdirSync(data);
  const { cert, key } = writeCertificate(folder);
  const port = await findFreePort();
  const command = PROGRAM ?? '';
  const common = [
    '--no-defaults',
    `--datadir=${data}`,
    `--user=${userInfo().username}`,
    '--innodb-log-file-size=4M',
    '--innodb-buffer-pool-size=16M',
  ];
  const tables = SYSTEM_TABLES.map((file) => readFileSync(file, 'utf8')).join('\n');
  const { status, stderr } = spawnSync(command, [...common, '--bootstrap'], {
    input: `CREATE DATABASE mysql;\nUSE mysql;\n${tables}`,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const init = join(folder, 'init.sql');
  writeFileSync(
    init,
    `CREATE DATABASE IF NOT EXISTS mail;
CREATE USER IF NOT EXISTS posthorn@'%' IDENTIFIED BY 'right';
GRANT ALL ON *.* TO posthorn@'%' WITH GRANT OPTION;
`,
  );
  const server = await startTestServer({
    folder,
    command,
    args: [
      ...common,
      `--socket=${join(folder, 'socket')}`,
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      '--skip-name-resolve',
      `--init-file=${init}`,
      `--ssl-cert=${cert}`,
      `--ssl-key=${key}`,
      '--max-allowed-packet=1M',
    ],
    ready: /ready for connections/,
  });
  const settings = {
    host: 'localhost',
    port,
    tls: false,
    username: 'posthorn',
    password: 'right',
    database: 'mail',
  };
  return {
    server,
    settings,
    async execute(text) {
      const client = await createConnection({
        host: '127.0.0.1',
        port,
        user: 'posthorn',
        password: 'right',
        database: 'mail',
        multipleStatements: true,
        timezone: 'Z',
      });
      try {
        const [rows] = await client.query(text);
        return rows as Record<string, unknown>[];
      } finally {
        await client.end();
      }
    },
  };
}

testSinkKind(
  { kind: 'mysql', missing, dropsRepeats: true, survivesKill: true },
  async (): Promise<Destination> => {
    const { server, settings, execute } = await startTestMariaDb();
    return {
      server,
      settings,
      wrongCredentials: { password: 'wrong' },
      wrongTarget: { database: 'nobody' },
      tls: { tls: true },
      async read() {
        const rows = await execute('SELECT id FROM posthorn_events ORDER BY id');
        return rows.map(({ id }) => String(id));
      },
    };
  },
);

describe('tables of MariaDB', { skip: missing }, () => {
  let database: TestMariaDb;
  before(async () => {
    database = await startTestMariaDb();
  });
  after(() => database?.server.stop());

  async function send(items = [itemAt(1)], settings: object = {}) {
    const sink = await openSink('mysql', { ...database.settings, ...settings });
    try {
      return await sink.send(items, never);
    } finally {
      await sink.close();
    }
  }

  test('one is made, with the whole event in it, and the same event stands there once', async () => {
    const made = { text: `"'\\ \u0000 ü 💌`, n: 1 };
    const first = toItem(1, itemAt(1).event, made);
    await send([first, itemAt(2)]);
    await send([first, itemAt(3)]);
    const rows = await database.execute('SELECT * FROM posthorn_events ORDER BY id');
    assert.equal(rows.length, 3);
    const { event, ...row } = rows[0] ?? {};
    assert.deepEqual(row, {
      id: 'evt_000001',
      type: 'email.bounced',
      timestamp: new Date(first.event.timestamp),
      message_id: first.event.data.message?.id,
      recipient: first.event.data.recipient,
    });
    assert.deepEqual(event, made);
  });

  test('one of an older version gets the columns that it does not have; those of others stay', async () => {
    await database.execute(
      `CREATE TABLE old (place INT NOT NULL AUTO_INCREMENT PRIMARY KEY, ID varchar(40) UNIQUE,
         type text, timestamp timestamp(3) NULL, own int DEFAULT 7)`,
    );
    const item = itemAt(1);
    await send([item, item], { table: 'old' });
    const rows = await database.execute('SELECT own, recipient, event, timestamp FROM old');
    assert.deepEqual(rows, [
      {
        own: 7,
        recipient: item.event.data.recipient,
        event: { n: 1 },
        timestamp: new Date(item.event.timestamp),
      },
    ]);
  });

  for (const [columns, reason] of [
    ['id int PRIMARY KEY', /the column id is of the type int; it has to be varchar or/],
    ['id varchar(40) PRIMARY KEY, event blob', /the column event is of the type blob/],
    ['id varchar(40) PRIMARY KEY, tenant int NOT NULL', /the column tenant must not be empty/],
    ['id varchar(40)', /it needs a primary key or a unique index of id/],
    ['id varchar(40), UNIQUE (id(20))', /it needs a primary key or a unique index of id/],
    [
      'id varchar(40) PRIMARY KEY, recipient varchar(100) UNIQUE',
      /its unique index of recipient would keep events out/,
    ],
  ] as const) {
    test(`one with (${columns}) does not fit`, async () => {
      await database.execute(`DROP TABLE IF EXISTS odd; CREATE TABLE odd (${columns})`);
      const { code, message } = await troubleOf(send([itemAt(1)], { table: 'odd' }));
      assert.deepEqual([code, reason.test(message)], ['schema_conflict', true], message);
    });
  }

  test('what is too large or too long is refused and not cut, and the connection is used again', async () => {
    await database.execute(
      'CREATE TABLE narrow (id varchar(40) PRIMARY KEY, type varchar(5), timestamp datetime, event longtext)',
    );
    const cut = await troubleOf(send([itemAt(1)], { table: 'narrow' }));
    assert.deepEqual(
      [cut.code, /Data too long for column 'type'/.test(cut.message)],
      ['refused', true],
    );
    assert.deepEqual(await database.execute('SELECT id FROM narrow'), []);

    const sink = await openSink('mysql', database.settings);
    const large = toItem(11, itemAt(11).event, '"'.repeat(600_000));
    const { code, message } = await troubleOf(sink.send([large], never));
    assert.deepEqual([code, /max_allowed_packet/.test(message)], ['refused', true]);
    assert.deepEqual(await sink.send([itemAt(12)], never), []);
    await sink.close();
  });

  test('who may not make a table, or nothing at all, is told so; who may insert is enough', async () => {
    await database.execute(
      `CREATE USER reader@'%' IDENTIFIED BY 'p'; GRANT SELECT ON mail.* TO reader@'%'`,
    );
    const reader = { username: 'reader', password: 'p' };
    const { code, message } = await troubleOf(send([itemAt(1)], { ...reader, table: 'others' }));
    assert.deepEqual([code, /CREATE command denied/.test(message)], ['credentials', true]);
    assert.equal((await troubleOf(send([itemAt(1)], reader))).code, 'credentials');
    await database.execute(`GRANT INSERT, UPDATE ON mail.posthorn_events TO reader@'%'`);
    await send([itemAt(1), itemAt(6)], reader);
  });
});

test('with TLS there has to be a name that the certificate is held against', () => {
  const parse = (host: string, tls: boolean) =>
    findSinkKind('mysql')?.settings.safeParse({ host, tls, username: 'a', database: 'b' }).error;
  assert.deepEqual(parse('192.0.2.1', true)?.issues[0]?.path, ['host']);
  assert.deepEqual(parse('[2001:db8::1]', true)?.issues[0]?.path, ['host']);
  assert.equal(parse('192.0.2.1', false), undefined);
  assert.equal(parse('db.example.com', true), undefined);
});
