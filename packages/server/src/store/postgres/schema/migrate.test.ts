import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createSandbox } from '../../conformance/sandbox.ts';
import { StoreUnavailable } from '../../engine.ts';
import { openTestEngine } from '../fixtures/open-test-engine.ts';
import { startTestCluster, type TestCluster, withoutPostgres } from '../fixtures/test-cluster.ts';

const BIN = join(import.meta.dirname, '../../../../bin/posthorn.mjs');
const KILLS = 3;

describe('a schema that is not whole', { skip: withoutPostgres }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  /** Opens it and writes something, as a start does. */
  async function work(url: string): Promise<void> {
    const engine = await openTestEngine(url);
    try {
      const box = await createSandbox(engine);
      await box.log.append([box.event()]);
    } finally {
      await engine.close();
    }
  }

  test('after a node that was killed while it migrated, the next one makes it whole', async (t) => {
    const data = mkdtempSync(join(tmpdir(), 'posthorn-migrate-'));
    t.after(() => rmSync(data, { recursive: true, force: true }));
    for (let kill = 0; kill < KILLS; kill++) {
      const database = await cluster.createDatabase();
      const url = cluster.url(database);
      const child = spawn(process.execPath, [BIN, 'migrate', '--data', data], {
        env: { ...process.env, POSTHORN_DATABASE_URL: url },
        stdio: 'ignore',
      });
      const ended = once(child, 'close');
      // From the first thing that it makes on, a little later each time.
      const made = "SELECT to_regnamespace('posthorn') IS NOT NULL AS yes";
      for (;;) {
        const [row] = await cluster.execute(made, database);
        if ((row as { yes: boolean }).yes || child.exitCode !== null) break;
      }
      await delay(kill * 15);
      child.kill('SIGKILL');
      await ended;
      await work(url);
    }
  });

  test('begun and nothing more: the next start makes it', async () => {
    const database = await cluster.createDatabase();
    await cluster.execute('CREATE SCHEMA posthorn', database);
    await cluster.execute(
      'CREATE TABLE posthorn.schema_migrations (version integer PRIMARY KEY, name text NOT NULL, applied_at bigint NOT NULL)',
      database,
    );
    await work(cluster.url(database));
  });

  const refused = (message: RegExp) => (error: Error) => {
    assert.ok(!(error instanceof StoreUnavailable), 'waiting would not help');
    assert.match(error.message, message);
    return true;
  };

  test('with tables and no history: refused, left alone, and said what to do', async () => {
    const database = await cluster.createDatabase();
    await cluster.execute('CREATE SCHEMA posthorn', database);
    await cluster.execute("CREATE TABLE posthorn.facts AS SELECT 'theirs' AS name", database);
    await assert.rejects(
      openTestEngine(cluster.url(database)),
      refused(
        /not one that Posthorn has made whole: .*"facts" already exists.*DROP SCHEMA posthorn/,
      ),
    );
    assert.deepEqual(await cluster.execute('SELECT * FROM posthorn.facts', database), [
      { name: 'theirs' },
    ]);
    await cluster.execute('DROP SCHEMA posthorn CASCADE', database);
    await work(cluster.url(database));
  });

  test('with history and without tables: refused, and which ones are missing', async () => {
    const database = await cluster.createDatabase();
    const url = cluster.url(database);
    await work(url);
    await cluster.execute('DROP TABLE posthorn.deliveries, posthorn.jobs', database);
    await assert.rejects(
      openTestEngine(url),
      refused(/lacks the tables deliveries, jobs\. Was a restore cut short\? Restore it again/),
    );
  });

  test('that belongs to another user: the right that is missing is named', async () => {
    const database = await cluster.createDatabase();
    await work(cluster.url(database));
    await cluster.execute("CREATE ROLE other LOGIN PASSWORD 'other'");
    await cluster.execute('GRANT USAGE ON SCHEMA posthorn TO other', database);
    const [, rest] = cluster.url(database).split('@127');
    await assert.rejects(openTestEngine(`postgres://other:other@127${rest}`), (error: unknown) => {
      assert.ok(error instanceof StoreUnavailable);
      assert.equal(error.code, 'refused');
      assert.match(error.message, /lacks a right\. The schema posthorn has to be its own.*denied/);
      return true;
    });
  });
});
