import {
  startTestCluster,
  type TestCluster,
} from 'posthorn/src/store/postgres/fixtures/test-cluster.ts';
import { measureWholeWay } from './dispatch.ts';
import { startBenchEngine } from './engine.ts';
import { type BenchResult, median } from './result.ts';
import { startSink } from './start-sink.ts';

/**
 * The whole way of an event (append, commit, match, sign, post, record) on PostgreSQL against the same
 * on SQLite, both synced to the same disk with each commit. In turns within one process; the ratio of
 * each round, then the median. PostgreSQL's processes share the machine with ours.
 */
const TARGET = 0.6;
const ROUNDS = 5;
const WARM_UP_MS = 3_000;
const ROUND_MS = 4_000;

/** As an operator would have them for a machine of this size; everything else is as it comes. */
export const SERVER_SETTINGS = [
  "shared_buffers = '1GB'",
  "max_wal_size = '4GB'",
  'autovacuum = on',
];

export async function benchStore(): Promise<BenchResult> {
  const cluster = await startTestCluster(SERVER_SETTINGS, true);
  try {
    return await measure(cluster);
  } finally {
    await cluster.stop();
  }
}

async function measure(cluster: TestCluster): Promise<BenchResult> {
  const sink = await startSink();
  const embedded = await startBenchEngine();
  const remote = await startBenchEngine({
    databaseUrl: cluster.url(await cluster.createDatabase()),
  });
  try {
    for (const engine of [embedded, remote]) {
      await engine.addEndpoint(`http://127.0.0.1:${sink.port}/hook`);
      await measureWholeWay(engine, WARM_UP_MS);
    }
    const rounds: { sqlite: number; postgres: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const sqlite = await measureWholeWay(embedded, ROUND_MS);
      const postgres = await measureWholeWay(remote, ROUND_MS);
      rounds.push({ sqlite, postgres });
      console.log(
        `round ${round + 1}: SQLite ${sqlite.toFixed(0)}/s, PostgreSQL ${postgres.toFixed(0)}/s, ratio ${(postgres / sqlite).toFixed(3)}`,
      );
    }
    const ratio = median(rounds.map(({ sqlite, postgres }) => postgres / sqlite));
    return {
      bench: 'store',
      ratio,
      target: TARGET,
      pass: ratio >= TARGET,
      sqlite_per_second: Math.round(median(rounds.map(({ sqlite }) => sqlite))),
      postgres_per_second: Math.round(median(rounds.map(({ postgres }) => postgres))),
    };
  } finally {
    await embedded.close();
    await remote.close();
    sink.stop();
  }
}
