import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ReadyProcess,
  startPosthornProcess,
} from 'posthorn/src/cli/whole/fixtures/posthorn-process.ts';
import {
  startTestCluster,
  type TestCluster,
} from 'posthorn/src/store/postgres/fixtures/test-cluster.ts';
import { Pool } from 'undici';
import { IN_FLIGHT } from './engine.ts';
import { createBatches } from './event-batch.ts';
import { createCpuMeter } from './process-cpu.ts';
import { readMetrics } from './read-metrics.ts';
import { type BenchResult, median } from './result.ts';
import { type Sink, startSink } from './start-sink.ts';
import { SERVER_SETTINGS } from './store.ts';

/**
 * What an event costs, in microseconds of processor time of the nodes and of PostgreSQL, when 1, 2 and 4
 * nodes share one database: each gets batches of 100 over HTTP in turn, posts to ten endpoints and records.
 * What they use without events (beats, looks for work) is measured first and left out of it.
 * Each count of nodes has a database of its own, that is empty at first, and three rounds; medians. Processor
 * time depends less than rates on what else the machine does.
 *
 * `ratio`: the cost of an event with four nodes against that with one. Were it 1, nodes would add up. The
 * projection takes the figures with four nodes, and the events a second of a day that is even.
 */
const TARGET = 1.25;
const COUNTS = [1, 2, 4];
const ENDPOINTS = 10;
const ROUNDS = 3;
const WARM_UP_MS = 3_000;
const ROUND_MS = 5_000;
const BATCH = 100;
/** Events on their way for each node, so that commits group as much with many nodes as with one. */
const OUTSTANDING = 1_920;
const IDLE_MS = 5_000;
const LOOK_MS = 5;
const LAST_LOOK_MS = 250;
const API_KEY = 'phk_bench';
const PER_DAY = [1e6, 1e7, 1e8, 1e9, 1e10];

/** Microseconds a second, of all processes. */
interface Idle {
  nodeUs: number;
  databaseUs: number;
}

/** Of one event. */
interface Cost {
  nodeUs: number;
  databaseUs: number;
  /** What PostgreSQL writes to its log, and by how much the tables grow. */
  walBytes: number;
  storedBytes: number;
  commits: number;
  perSecond: number;
}

export async function benchNodes(): Promise<BenchResult> {
  const sink = await startSink();
  const cluster = await startTestCluster([...SERVER_SETTINGS], true);
  const fleets: Fleet[] = [];
  const nextBatch = createBatches(BATCH);
  try {
    const costs = new Map<number, Cost[]>(COUNTS.map((count) => [count, []]));
    for (const count of COUNTS) {
      const fleet = await startFleet(cluster, sink, count);
      fleets.push(fleet);
      await drive(fleet, sink, nextBatch, WARM_UP_MS);
      const idle = await measureIdle(fleet, cluster);
      console.log(
        `${count} nodes without events: ${(idle.nodeUs / 1e4).toFixed(1)}% of a processor, PostgreSQL ${(idle.databaseUs / 1e4).toFixed(1)}%`,
      );
      const work = { fleet, cluster, sink, nextBatch, idle };
      for (let round = 0; round < ROUNDS; round++) costs.get(count)?.push(await measure(work));
      // Idle nodes beat and look for work, which would count as the others' cost.
      await fleet.stop();
    }
    return report(costs);
  } finally {
    for (const fleet of fleets) await fleet.stop();
    await cluster.stop();
    sink.stop();
  }
}

interface Fleet {
  nodes: ReadyProcess[];
  database: string;
  post(node: number, resource: string, body: string): Promise<void>;
  stop(): Promise<void>;
}

async function startFleet(cluster: TestCluster, sink: Sink, count: number): Promise<Fleet> {
  const database = await cluster.createDatabase();
  const folders = Array.from({ length: count }, () =>
    mkdtempSync(join(tmpdir(), 'posthorn-bench-')),
  );
  const masterKey = randomBytes(32).toString('base64');
  const nodes: ReadyProcess[] = [];
  for (const data of folders) {
    nodes.push(
      await startPosthornProcess({
        data,
        'database-url': cluster.url(database),
        'master-key': masterKey,
        'api-key': API_KEY,
        'api-rate': '100000',
        'endpoint-concurrency': String(IN_FLIGHT),
      }),
    );
  }
  const pools = nodes.map(({ httpUrl }) => new Pool(httpUrl, { connections: 16 }));
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
  let isStopped = false;
  const fleet: Fleet = {
    nodes,
    database,
    async post(node, resource, body) {
      const path = `/v1/${resource}`;
      const pool = pools[node];
      if (pool === undefined) throw new Error(`There is no node ${node}.`);
      let answer = await pool.request({ method: 'POST', path, headers, body });
      // Nothing of it was taken: on a machine as busy as this one a connection may take too long.
      while (answer.statusCode === 503) {
        await answer.body.dump();
        await pause(200);
        answer = await pool.request({ method: 'POST', path, headers, body });
      }
      if (answer.statusCode < 300) return answer.body.dump();
      throw new Error(`${path} answered ${answer.statusCode}: ${await answer.body.text()}`);
    },
    async stop() {
      if (isStopped) return;
      isStopped = true;
      await Promise.all(pools.map((pool) => pool.close()));
      for (const { child, ended } of nodes) {
        child.kill('SIGKILL');
        await ended;
      }
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  };
  for (let i = 0; i < ENDPOINTS; i++) {
    // Each event goes to one of them.
    const filter = { tag: [`t${i}`] };
    const url = `http://127.0.0.1:${sink.port}/hook-${i}`;
    await fleet.post(0, 'endpoints', JSON.stringify({ url, filter }));
  }
  // Nodes hear of each other, and of the endpoints, within a second.
  await pause(2_000);
  return fleet;
}

/** Posts batches to the nodes in turn for so long, until all is recorded. How many events it were. */
async function drive(
  { nodes, post }: Fleet,
  sink: Sink,
  nextBatch: () => string,
  forMs: number,
): Promise<number> {
  const before = await sink.count();
  const recordedBefore = await readRecorded(nodes);
  const startedAt = performance.now();
  const calls: Promise<void>[] = [];
  let sent = 0;
  let received = 0;
  while (performance.now() - startedAt < forMs) {
    while (sent - received + BATCH <= OUTSTANDING * nodes.length) {
      calls.push(post((sent / BATCH) % nodes.length, 'events', nextBatch()));
      sent += BATCH;
    }
    await pause(LOOK_MS);
    received = (await sink.count()) - before;
  }
  await Promise.all(calls);
  // Who asks a node for its metrics makes it count in the database: only when little is left to wait for.
  while ((await sink.count()) - before < sent) await pause(LOOK_MS);
  while ((await readRecorded(nodes)) - recordedBefore < sent) await pause(LAST_LOOK_MS);
  return sent;
}

function startMeters({ nodes }: Fleet, cluster: TestCluster) {
  return {
    nodes: createCpuMeter(nodes.map(({ child }) => child.pid ?? 0)),
    server: createCpuMeter([readServerPid(cluster)]),
  };
}

async function measureIdle(fleet: Fleet, cluster: TestCluster): Promise<Idle> {
  const { nodes, server } = startMeters(fleet, cluster);
  await pause(IDLE_MS);
  const seconds = IDLE_MS / 1_000;
  return { nodeUs: nodes.usedUs() / seconds, databaseUs: server.usedUs() / seconds };
}

async function measure(work: {
  fleet: Fleet;
  cluster: TestCluster;
  sink: Sink;
  nextBatch: () => string;
  idle: Idle;
}): Promise<Cost> {
  const { fleet, cluster, sink, nextBatch, idle } = work;
  const { nodes, server } = startMeters(fleet, cluster);
  const before = await readDatabase(cluster, fleet.database);
  const startedAt = performance.now();
  const events = await drive(fleet, sink, nextBatch, ROUND_MS);
  const seconds = (performance.now() - startedAt) / 1_000;
  const [nodeUs, databaseUs] = [nodes.usedUs(), server.usedUs()];
  const after = await readDatabase(cluster, fleet.database);
  return {
    nodeUs: (nodeUs - idle.nodeUs * seconds) / events,
    databaseUs: (databaseUs - idle.databaseUs * seconds) / events,
    walBytes: (after.wal - before.wal) / events,
    storedBytes: (after.size - before.size) / events,
    commits: (after.commits - before.commits) / events,
    perSecond: events / seconds,
  };
}

/** All other processes of PostgreSQL are its children. */
function readServerPid({ folder }: TestCluster): number {
  const [pid] = readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n');
  return Number(pid);
}

async function readDatabase(
  cluster: TestCluster,
  database: string,
): Promise<{ wal: number; size: number; commits: number }> {
  const [row] = await cluster.execute(
    `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 AS wal,
      pg_database_size(current_database())::float8 AS size,
      (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())::float8 AS commits`,
    database,
  );
  return row as { wal: number; size: number; commits: number };
}

async function readRecorded(nodes: readonly ReadyProcess[]): Promise<number> {
  const counts = await Promise.all(nodes.map(readMetrics));
  const name = 'posthorn_webhook_attempt_seconds_count';
  return counts.reduce((sum, metrics) => sum + (metrics.get(name) ?? 0), 0);
}

function report(costs: ReadonlyMap<number, readonly Cost[]>): BenchResult {
  const medians = new Map([...costs].map(([count, all]) => [count, medianCost(all)]));
  const figures: [string, number][] = [];
  for (const [count, cost] of medians) {
    const { nodeUs, databaseUs, walBytes, storedBytes, commits, perSecond } = cost;
    console.log(
      `${count} nodes: ${nodeUs.toFixed(0)} us of nodes and ${databaseUs.toFixed(0)} us of PostgreSQL an event; ${commits.toFixed(3)} commits, ${walBytes.toFixed(0)} bytes of log, ${storedBytes.toFixed(0)} bytes stored; ${perSecond.toFixed(0)} events/s`,
    );
    figures.push([`node_us_${count}`, Math.round(nodeUs)]);
    figures.push([`postgres_us_${count}`, Math.round(databaseUs)]);
  }
  const [one, most] = [medians.get(1), medians.get(4)];
  if (one === undefined || most === undefined) throw new Error('Nothing was measured.');
  project(most);
  const ratio = (most.nodeUs + most.databaseUs) / (one.nodeUs + one.databaseUs);
  return {
    bench: 'nodes',
    ratio,
    target: TARGET,
    pass: ratio <= TARGET,
    ...Object.fromEntries(figures),
    wal_bytes: Math.round(most.walBytes),
    stored_bytes: Math.round(most.storedBytes),
    commits: Number(most.commits.toFixed(3)),
  };
}

/** Processors that are wholly busy, were each day even. */
function project({ nodeUs, databaseUs, walBytes, storedBytes }: Cost): void {
  console.log(
    'events a day | a second | processors of nodes | of PostgreSQL | log MB/s | GB a day',
  );
  for (const perDay of PER_DAY) {
    const perSecond = perDay / 86_400;
    const row = [
      perDay.toLocaleString('en'),
      perSecond.toFixed(0),
      ((perSecond * nodeUs) / 1e6).toFixed(2),
      ((perSecond * databaseUs) / 1e6).toFixed(2),
      ((perSecond * walBytes) / 1e6).toFixed(2),
      ((perDay * storedBytes) / 1e9).toFixed(1),
    ];
    console.log(row.join(' | '));
  }
}

function medianCost(all: readonly Cost[]): Cost {
  const of = (key: keyof Cost): number => median(all.map((cost) => cost[key]));
  return {
    nodeUs: of('nodeUs'),
    databaseUs: of('databaseUs'),
    walBytes: of('walBytes'),
    storedBytes: of('storedBytes'),
    commits: of('commits'),
    perSecond: of('perSecond'),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
