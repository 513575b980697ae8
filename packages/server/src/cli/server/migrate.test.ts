import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  startTestCluster,
  type TestCluster,
  withoutPostgres,
} from '../../store/postgres/fixtures/test-cluster.ts';

const BIN = join(import.meta.dirname, '../../../bin/posthorn.mjs');

/** Runs the command in a process of its own, as a user does. */
function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [BIN, ...args],
      { env: { ...process.env, ...env } },
      (error, out, err) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

describe('posthorn migrate', () => {
  const data = mkdtempSync(join(tmpdir(), 'posthorn-migrate-'));
  after(() => rmSync(data, { recursive: true, force: true }));

  test('makes and keeps an embedded store', async () => {
    for (let round = 0; round < 2; round++) {
      const { code, out, err } = await run(['migrate', '--data', data], {});
      assert.deepEqual([code, out, err], [0, `The store in ${data} is up to date.\n`, '']);
    }
  });

  describe('with PostgreSQL', { skip: withoutPostgres }, () => {
    let cluster: TestCluster;
    before(async () => {
      cluster = await startTestCluster();
    });
    after(() => cluster.stop());

    test('makes the schema and says so, from several machines at once too', async () => {
      const env = { POSTHORN_DATABASE_URL: cluster.url(await cluster.createDatabase()) };
      const outcomes = await Promise.all([run(['migrate'], env), run(['migrate'], env)]);
      for (const outcome of outcomes) {
        assert.deepEqual(outcome, {
          code: 0,
          out: 'The store in PostgreSQL is up to date.\n',
          err: '',
        });
      }
    });

    test('says what is wrong, without the password', async () => {
      const url = cluster.url('no_such_database');
      const { code, out, err } = await run(['migrate'], { POSTHORN_DATABASE_URL: url });
      assert.deepEqual([code, out], [1, '']);
      assert.match(
        err,
        /^posthorn: There is no database of the name in database_url\. .*no_such_database/,
      );
      assert.doesNotMatch(err, /p@ss|p%40ss/);
    });
  });
});
