import assert from 'node:assert/strict';
import test from 'node:test';
import { toPublicHealth } from './engine.ts';

test('what strangers read of a fault names no host, path or word of the database', () => {
  const detail =
    'The database cannot be reached. Check that it runs. (PostgreSQL: connect ECONNREFUSED 10.1.2.3:5432\n(again))';
  assert.deepEqual(toPublicHealth({ ok: false, code: 'io_error', detail }), {
    ok: false,
    code: 'io_error',
    detail: 'The database cannot be reached. Check that it runs.',
  });
  assert.deepEqual(toPublicHealth({ ok: true }), { ok: true });
});
