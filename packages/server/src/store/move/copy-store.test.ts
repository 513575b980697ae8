import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, type TestContext, test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { createSandbox } from '../conformance/sandbox.ts';
import type { Engine, SqlValue } from '../engine.ts';
import { openTestEngine } from '../postgres/fixtures/open-test-engine.ts';
import {
  startTestCluster,
  type TestCluster,
  withoutPostgres,
} from '../postgres/fixtures/test-cluster.ts';
import { DATABASE_FILE } from '../sqlite/data-directory.ts';
import { openSqliteEngine } from '../sqlite/engine.ts';
import { copyStore } from './copy-store.ts';
import { digestTable } from './digest-table.ts';
import { endMove, readMoveState, refuseHalfMoved } from './move-state.ts';
import { movedTables } from './moved-tables.ts';

const SILENT = { copied() {}, compared() {} };
const ROWS = 130;
const COUNT_KEYS = `SELECT count(*)::integer AS count FROM posthorn.event_keys k
  JOIN posthorn.events e ON (e.project_id, e.dedup_key, e.id) = (k.project_id, k.dedup_key, k.event_id)`;
/** Texts that databases like to change: nothing, ends of lines, U+0000, what stands for it, emoji. */
const TEXTS = ['', ' ', '\r\n', 'a\u0000b', '\u001a0', "'", '\\', 'é🙂', '{"a":null}', '\ufeff'];

/** What a CHECK lets a column hold, for each that has one: the first value of its list. */
function readAllowed(db: DatabaseSync, table: string): Map<string, SqlValue> {
  const row = db.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').get(table);
  const checks = String(row?.['sql']).matchAll(/CHECK \((\w+) IN \('(\w+)'/g);
  return new Map([...checks].map(([, column = '', value = '']) => [column, value]));
}

/** Rows in every table that is moved, with odd values in every column. */
function fill(folder: string): void {
  const db = new DatabaseSync(join(folder, DATABASE_FILE));
  db.exec('BEGIN');
  for (const { name, key } of movedTables()) {
    const allowed = readAllowed(db, name);
    const references = db.prepare(`PRAGMA foreign_key_list(${name})`).all();
    const referring = new Set(references.map(({ from }) => from));
    const columns = db.prepare(`PRAGMA table_info(${name})`).all();
    const insert = db.prepare(`INSERT INTO ${name} VALUES (${columns.map(() => '?').join(', ')})`);
    for (let row = 0; row < ROWS; row++) {
      const values = columns.map(({ name: column, type, notnull }, at): SqlValue => {
        const value = allowed.get(String(column));
        if (value !== undefined) return value;
        // There are rows with these names, whatever refers to them.
        if (column === 'project_id') return `id ${key.length === 1 ? row : row % 7}`;
        if (column === 'id' || referring.has(column ?? null)) return `id ${row}`;
        if (notnull === 0 && !key.includes(String(column)) && (row + at) % 3 === 0) return null;
        if (type === 'BLOB') return Uint8Array.from({ length: row * 50 }, (_, i) => i + row);
        // With its number at the end, since some have to be unique.
        if (type === 'TEXT') return `${TEXTS[(row + at) % TEXTS.length]}${row}`;
        return row % 2 === 0 ? row : row * 16_000_000 + 7;
      });
      insert.run(...values);
    }
  }
  db.exec('COMMIT');
  db.close();
}

describe('moving a store to PostgreSQL', { skip: withoutPostgres }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  async function openSource(t: TestContext): Promise<Engine> {
    const folder = mkdtempSync(join(tmpdir(), 'posthorn-move-'));
    const engine = await openSqliteEngine({ folder, clock: systemClock });
    await engine.close();
    fill(folder);
    const filled = await openSqliteEngine({ folder, clock: systemClock });
    t.after(async () => {
      await filled.close();
      rmSync(folder, { recursive: true, force: true });
    });
    return filled;
  }

  async function openTarget(t: TestContext, database?: string): Promise<Engine> {
    const engine = await openTestEngine(cluster.url(database ?? (await cluster.createDatabase())));
    t.after(() => engine.close());
    return engine;
  }

  /** Fails at this commit and all that follow, as a process that is killed there. */
  function endingAt(engine: Engine, commits: number): Engine {
    let left = commits;
    return {
      ...engine,
      async commit(commit) {
        if (left === 0) throw new Error('killed');
        left -= 1;
        return engine.commit(commit);
      },
    };
  }

  test('takes every row along as it is, and the keys of events', async (t) => {
    const from = await openSource(t);
    const database = await cluster.createDatabase();
    const to = await openTarget(t, database);
    const compared: string[] = [];
    const report = { ...SILENT, compared: (table: string) => compared.push(table) };
    await copyStore({ from, to, source: 's', report });
    const names: string[] = movedTables().map(({ name }) => name);
    assert.deepEqual(compared, names);
    for (const table of movedTables()) {
      const digest = await digestTable(to, table);
      assert.deepEqual(digest, await digestTable(from, table), table.name);
      assert.ok(digest.rows >= ROWS, table.name);
    }
    const [keys] = await cluster.execute(COUNT_KEYS, database);
    const keyed = from.db.selectFrom('events').select('id').where('dedup_key', 'is not', null);
    assert.deepEqual(keys, { count: (await keyed.execute()).length });
    await assert.rejects(refuseHalfMoved(to), /posthorn move again/);
    await endMove(to);
    await refuseHalfMoved(to);
  });

  test('cut off at any commit, it goes on from there', async (t) => {
    const from = await openSource(t);
    const to = await openTarget(t);
    let tries = 0;
    for (let isOver = false; !isOver; tries++) {
      const run = copyStore({
        from,
        to: endingAt(to, 1 + (tries % 5)),
        source: 's',
        report: SILENT,
      });
      isOver = await run.then(
        () => true,
        (error: Error) => {
          assert.equal(error.message, 'killed');
          return false;
        },
      );
      if (!isOver) await assert.rejects(refuseHalfMoved(to), /was cut short/);
    }
    assert.ok(tries > 10, String(tries));
    assert.equal((await readMoveState(to))?.isVerified, true);
  });

  test('a database that has anything in it is refused, and so is another half of a move', async (t) => {
    const from = await openSource(t);
    const used = await openTarget(t);
    await createSandbox(used);
    const copy = (to: Engine, source = 's') => copyStore({ from, to, source, report: SILENT });
    await assert.rejects(copy(used), /not empty: its table projects has rows/);
    const half = await openTarget(t);
    await assert.rejects(copy(endingAt(half, 2)), /killed/);
    await assert.rejects(copy(half, 'another'), /first part of another move/);
    await copy(half);
  });

  test('a row that was changed on the way is found, and the table named', async (t) => {
    const from = await openSource(t);
    const to = await openTarget(t);
    const commit: Engine['commit'] = async (work) => {
      const done = await to.commit(work);
      const sql = "UPDATE posthorn.messages SET subject = 'other' WHERE id = 'id 7'";
      await to.commit({ events: [], statements: [{ sql, parameters: [] }] });
      return done;
    };
    await assert.rejects(
      copyStore({ from, to: { ...to, commit }, source: 's', report: SILENT }),
      /table messages is not the same on both sides: 130 rows .* became 130/,
    );
    assert.equal((await readMoveState(to))?.isVerified, false);
  });

  test('the log goes on behind its last place, and knows what it has', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'posthorn-move-'));
    const from = await openSqliteEngine({ folder, clock: systemClock });
    t.after(async () => {
      await from.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const box = await createSandbox(from);
    box.owes({});
    const known = box.event({ messageId: 'm', recipient: 'a@b.test', dedupKey: 'known' });
    await box.log.append([known]);
    await box.log.append([box.event({ messageId: 'm', recipient: 'a@b.test' })]);
    const database = await cluster.createDatabase();
    const to = await openTarget(t, database);
    await copyStore({ from, to, source: 's', report: SILENT });
    await endMove(to);
    const started = await openTarget(t, database);
    const after = await createSandbox(started);
    const again = { ...box.event({ dedupKey: 'known' }) };
    const fresh = box.event({ messageId: 'm', recipient: 'a@b.test' });
    const [duplicate, next] = await after.log.append([again, fresh]);
    assert.equal(duplicate?.duplicateOf, known.event.id);
    assert.equal(next?.position?.sequence, 3);
    assert.ok((await started.logEnd()) > (await from.logEnd()));
    const { deliveries } = await started.claimDeliveries(box.claim());
    assert.equal(deliveries.length, 2);
  });
});
