import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { sql } from 'kysely';
import { systemClock } from '../../lib/clock.ts';
import { describeStore } from '../conformance/describe-store.ts';
import { createSandbox } from '../conformance/sandbox.ts';
import { StoreUnavailable } from '../engine.ts';
import { openSqliteEngine } from './engine.ts';
import { createTestFolder } from './fixtures/test-folder.ts';

describeStore('SQLite', async () => {
  const folder = createTestFolder();
  const engine = await openSqliteEngine({ folder: folder.path, clock: systemClock });
  return {
    engine,
    async close() {
      await engine.close();
      folder.remove();
    },
  };
});

const open = (folder: string) => openSqliteEngine({ folder, clock: systemClock });

describe('the schema', () => {
  test('is made in an empty folder, and stays as it is when the store is opened again', async (t) => {
    const { path } = createTestFolder(t);
    const folder = join(path, 'not', 'there', 'yet');
    const first = await open(folder);
    const box = await createSandbox(first);
    const one = box.event();
    await box.log.append([one]);
    await first.close();
    const schema = readSchema(folder);
    assert.ok(schema.names.includes('events') && schema.version >= 1);
    const second = await open(folder);
    const { body } = await second.db
      .selectFrom('events')
      .select('body')
      .where('id', '=', one.event.id)
      .executeTakeFirstOrThrow();
    assert.deepEqual(JSON.parse(body), one.event);
    await second.close();
    assert.deepEqual(readSchema(folder), schema);
  });

  test('of a newer Posthorn is refused in plain words and left alone', async (t) => {
    const { path } = createTestFolder(t);
    await (await open(path)).close();
    const { version } = readSchema(path);
    const file = join(path, 'posthorn.sqlite');
    execute(file, 'PRAGMA user_version = 99');
    const before = readFileSync(file);
    await assert.rejects(open(path), (error: Error) => {
      assert.match(error.message, /^The database has schema 99, .* Start the newer version/);
      return !(error instanceof StoreUnavailable);
    });
    assert.ok(before.equals(readFileSync(file)));
    execute(file, `PRAGMA user_version = ${version}`);
    await (await open(path)).close();
  });
});

describe('the data directory', () => {
  test('belongs to one store at a time', async (t) => {
    const { path } = createTestFolder(t);
    const first = await open(path);
    await assert.rejects(open(path), isInUse);
    await first.close();
    await (await open(path)).close();
  });

  test('belongs to one process at a time, and is free when that is killed', async (t) => {
    const { path } = createTestFolder(t);
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        join(import.meta.dirname, 'fixtures/hold-folder.ts'),
        path,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    t.after(() => child.kill('SIGKILL'));
    const eventId = await readLine(child);
    await assert.rejects(open(path), isInUse);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const engine = await open(path);
    // What the killed process was told is stored is there.
    const row = await engine.db
      .selectFrom('events')
      .select('id')
      .where('id', '=', eventId)
      .executeTakeFirst();
    assert.equal(row?.id, eventId);
    await engine.close();
  });

  test('that cannot be written is refused', {
    skip: process.getuid?.() === 0 ? 'allowed: root writes everywhere' : false,
  }, async (t) => {
    const { path } = createTestFolder(t);
    chmodSync(path, 0o500);
    t.after(() => chmodSync(path, 0o700));
    await assert.rejects(open(path), /cannot be used/);
  });

  test('that is a file is refused', async (t) => {
    const { path } = createTestFolder(t);
    const file = join(path, 'a-file');
    execute(file, 'CREATE TABLE t (a)');
    await assert.rejects(open(file), (error) => {
      assert.ok(error instanceof StoreUnavailable);
      assert.equal(error.code, 'io_error');
      assert.match(error.message, /a-file cannot be used/);
      return true;
    });
  });
});

describe('the connections', () => {
  test('commit to a write-ahead log that is synced each time', async (t) => {
    const { path } = createTestFolder(t);
    const engine = await open(path);
    const box = await createSandbox(engine);
    // The writing thread tells of its own connection, by way of a row.
    const parameters = [box.projectId];
    await box.log.append(
      [],
      [
        {
          sql: `INSERT INTO idempotency_keys (project_id, key, request_hash, status, body_sealed, retain_until)
            SELECT ?1, 'settings', journal_mode, synchronous, '', 0
            FROM pragma_journal_mode, pragma_synchronous`,
          parameters,
        },
      ],
    );
    const row = await engine.db
      .selectFrom('idempotency_keys')
      .select(['request_hash as journalMode', 'status as synchronous'])
      .where('project_id', '=', box.projectId)
      .executeTakeFirst();
    const FULL = 2;
    assert.deepEqual({ ...row }, { journalMode: 'wal', synchronous: FULL });
    assert.ok(existsSync(join(path, 'posthorn.sqlite-wal')));
    await engine.close();
  });

  test('for questions cannot write', async (t) => {
    const { path } = createTestFolder(t);
    const engine = await open(path);
    await assert.rejects(sql`DELETE FROM projects`.execute(engine.db), { code: 'read_only' });
    assert.equal(engine.health().ok, true);
    await engine.close();
  });

  test('live outside the main thread, which loads no code that runs a statement', () => {
    const loaded = loadedFrom(join(import.meta.dirname, 'engine.ts'));
    const database = loaded.filter(({ imports }) => imports.includes('node:sqlite'));
    assert.deepEqual(
      database.map(({ name }) => name),
      // The one runs a single BEGIN on the lock's own file at the start; the other is asked for
      // the meaning of an error code.
      ['data-directory.ts', 'open-database.ts'],
    );
  });
});

describe('a closed store', () => {
  test('refuses work and says so, and may be closed again', async (t) => {
    const { path } = createTestFolder(t);
    const engine = await open(path);
    const box = await createSandbox(engine);
    await engine.close();
    await engine.close();
    await assert.rejects(box.log.append([box.event()]), { code: 'closed' });
    await assert.rejects(engine.recordAttempt(box.attempt('evt_x')), { code: 'closed' });
    await assert.rejects(box.store.events.get('p', 'e'), { code: 'closed' });
    assert.deepEqual(engine.health(), {
      ok: false,
      code: 'closed',
      detail: 'The store is closed.',
    });
  });

  test('has stored what was under way', async (t) => {
    const { path } = createTestFolder(t);
    const engine = await open(path);
    const box = await createSandbox(engine);
    const appended = Array.from({ length: 50 }, () => box.log.append([box.event()]));
    await engine.close();
    assert.equal((await Promise.all(appended)).length, 50);
  });
});

function isInUse(error: unknown): boolean {
  assert.ok(error instanceof StoreUnavailable);
  assert.equal(error.code, 'locked');
  assert.match(error.message, /is in use by another Posthorn process\. Stop that one, or/);
  return true;
}

function execute(file: string, statement: string): void {
  const db = new DatabaseSync(file);
  db.exec(statement);
  db.close();
}

function readSchema(folder: string): { version: number; names: string[] } {
  const db = new DatabaseSync(join(folder, 'posthorn.sqlite'), { readOnly: true });
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  const rows = db.prepare('SELECT name FROM sqlite_schema ORDER BY name').all();
  db.close();
  return { version, names: rows.map(({ name }) => String(name)) };
}

async function readLine(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout);
  const [chunk] = await once(child.stdout, 'data');
  return String(chunk).trim();
}

/** The modules that a file loads, itself included, with the specifiers of their own imports. */
function loadedFrom(start: string): { name: string; imports: string[] }[] {
  const seen = new Map<string, { name: string; imports: string[] }>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    const text = readFileSync(file, 'utf8');
    const found = text.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)';/gms);
    const imports = [...found].map(([, specifier = '']) => specifier);
    seen.set(file, { name: file.slice(file.lastIndexOf('/') + 1), imports });
    for (const one of imports) if (one.startsWith('.')) visit(resolve(file, '..', one));
  };
  visit(start);
  return [...seen.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
