import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createTestFolder } from './fixtures/test-folder.ts';
import { migrate } from './migrate.ts';
import { openDatabase } from './open-database.ts';
import { decideBudget } from './page-budget.ts';
import type { Row } from './protocol.ts';
import { createWriter } from './writer.ts';

describe('what the writer keeps at hand', () => {
  test('is little for few projects, grows with them, and has an end', () => {
    const least = { cacheKb: 8_192, foldAtPages: 16_000 };
    assert.deepEqual([0, 1, 100].map(decideBudget), [least, least, least]);
    assert.deepEqual(decideBudget(500), { cacheKb: 32_000, foldAtPages: 32_000 });
    const most = { cacheKb: 65_536, foldAtPages: 64_000 };
    assert.deepEqual([2_000, 1_000_000].map(decideBudget), [most, most]);
  });

  test('follows the projects that it writes for', (t) => {
    const { path } = createTestFolder(t);
    const db = openDatabase({
      file: join(path, 'posthorn.sqlite'),
      role: 'writer',
      maxSizeBytes: null,
      busyTimeoutMs: 1_000,
    });
    t.after(() => db.close());
    migrate(db);
    const writer = createWriter(db);
    const read = (pragma: string, column: string) => db.prepare(pragma).get()?.[column];
    const budget = () => [
      read('PRAGMA cache_size', 'cache_size'),
      read('PRAGMA wal_autocheckpoint', 'wal_autocheckpoint'),
    ];
    let written = 0;
    const write = (count: number, projects: number): void => {
      const events = Array.from({ length: count }, (): Row => {
        written += 1;
        const ids = [`proj_${written % projects}`, `evt_${written}`];
        return [...ids, 'email.sent', null, null, 1, 1, null, '{"data":{}}', null, 1];
      });
      const commits = [{ events, statements: [] }];
      writer.write({ commits, attempts: [], deliveryClaims: [], transmissionClaims: [] });
    };
    assert.deepEqual(budget(), [-8_192, 16_000]);
    write(8_191, 500);
    assert.deepEqual(budget(), [-8_192, 16_000]);
    write(1, 500);
    assert.deepEqual(budget(), [-32_000, 32_000]);
    for (let turn = 0; turn < 4; turn++) write(2_048, 3);
    assert.deepEqual(budget(), [-8_192, 16_000]);
  });
});
