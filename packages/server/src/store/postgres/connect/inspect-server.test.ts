import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pool } from 'pg';
import { StoreUnavailable } from '../../engine.ts';
import { CAPABILITIES } from './capabilities.ts';
import { inspectServer } from './inspect-server.ts';

/** A server that says this of itself: others than the one that is installed cannot be asked here. */
function server(facts: object, extensions: string[] = []): Pick<Pool, 'query'> {
  const usual = { number: 150_018, encoding: 'UTF8', sync: 'on', readOnly: 'off' };
  const query = async ({ text }: { text: string }) => ({
    rows: text.includes('pg_extension') ? extensions.map(() => 1) : [{ ...usual, ...facts }],
    rowCount: 1,
  });
  return { query } as unknown as Pick<Pool, 'query'>;
}

test('an older PostgreSQL is refused, with its version and what is needed', async () => {
  const version = 'PostgreSQL 14.11 (Debian 14.11-1.pgdg120+2) on x86_64-pc-linux-gnu';
  await assert.rejects(inspectServer(server({ version, number: 140_011 })), (error: unknown) => {
    assert.ok(error instanceof StoreUnavailable);
    assert.equal(error.code, 'refused');
    return /^The database is PostgreSQL 14\.11\. Posthorn needs PostgreSQL 15 or newer\./.test(
      error.message,
    );
  });
  const newest = await inspectServer(server({ version: 'PostgreSQL 18.0 on x86_64', sync: 'off' }));
  assert.deepEqual(newest, { kind: 'postgres', asynchronous: true });
});

test('servers that only speak its protocol are known by what they say, whatever they count', async () => {
  const yugabyte = 'PostgreSQL 11.2-YB-2.20.1.0-b0 on x86_64-pc-linux-gnu, compiled by clang';
  const cockroach = 'CockroachDB CCL v23.2.1 (x86_64-pc-linux-gnu, built 2024/02/01, go1.21.5)';
  const kinds = await Promise.all([
    inspectServer(server({ version: yugabyte, number: 110_002 })),
    inspectServer(server({ version: cockroach, number: 130_000 })),
    inspectServer(server({ version: 'PostgreSQL 16.2 on x86_64' }, ['citus'])),
  ]);
  assert.deepEqual(
    kinds.map(({ kind }) => kind),
    ['yugabyte', 'cockroach', 'citus'],
  );
  for (const { kind } of kinds) assert.equal(CAPABILITIES[kind].notify, false);
});
