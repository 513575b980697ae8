import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { startTestCluster, withoutPostgres } from '../../store/postgres/fixtures/test-cluster.ts';
import { describeFailure, sumCounts } from './describe-run.ts';
import { onPostgres, onSqlite } from './open-database.ts';
import { type RunResult, simulate } from './simulate.ts';

/** `POSTHORN_SEED=123 npm test -- simulation` runs that one only. */
const given = process.env['POSTHORN_SEED'];
/** Some seconds' worth. `npm run simulate` runs as many as one has time for. */
const SEEDS = 300;
const SEEDS_ON_DATABASES = 6;

const seedsUpTo = (count: number): number[] =>
  given === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [Number(given)];

function assertAllKept(results: readonly RunResult[]): void {
  const failed = results.filter(({ failure }) => failure !== null);
  const [first] = failed;
  if (first === undefined) return;
  const others = failed.slice(1, 20).map(({ seed, failure }) => `Seed ${seed}: ${failure}`);
  assert.fail([describeFailure(first), '', ...others].join('\n'));
}

test('the webhook engine keeps its rules in whatever world a seed draws', async () => {
  const results: RunResult[] = [];
  for (const seed of seedsUpTo(SEEDS)) results.push(await simulate({ seed }));
  assertAllKept(results);
  if (given !== undefined) return;

  const missed = [...sumCounts(results)].filter(([, count]) => count === 0);
  assert.deepEqual(missed, [], 'These worlds do not meet everything that they are made for.');
  const shares = results.flatMap(({ jitters }) => jitters);
  assert.ok(Math.min(...shares) < 0.82, 'No retry waited a fifth less than its rung.');
  assert.ok(Math.max(...shares) > 1.18, 'No retry waited a fifth more than its rung.');
});

test('it does so on SQLite, which answers as the model does and keeps what it has stored', async (t) => {
  const results: RunResult[] = [];
  for (const seed of seedsUpTo(SEEDS_ON_DATABASES)) {
    const folder = await mkdtemp(join(tmpdir(), 'posthorn-simulation-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    results.push(await simulate({ seed, openStore: onSqlite(folder) }));
  }
  assertAllKept(results);
});

test('and on PostgreSQL', { skip: withoutPostgres }, async (t) => {
  const cluster = await startTestCluster();
  t.after(() => cluster.stop());
  const results: RunResult[] = [];
  for (const seed of seedsUpTo(SEEDS_ON_DATABASES)) {
    const url = cluster.url(await cluster.createDatabase());
    results.push(await simulate({ seed, openStore: onPostgres(url) }));
  }
  assertAllKept(results);
});

test('the same seed is the same run, step by step', async () => {
  for (const seed of seedsUpTo(3)) {
    const [first, again] = [await simulate({ seed }), await simulate({ seed })];
    assert.deepEqual(again.trace.lines(), first.trace.lines());
    assert.deepEqual(again.counts, first.counts);
  }
});
