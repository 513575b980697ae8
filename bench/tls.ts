import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCertificates } from 'posthorn/src/store/postgres/fixtures/certificates.ts';
import { Pool } from 'undici';
import { measureLimit, measureWholeWay } from './dispatch.ts';
import { type BenchEngine, startBenchEngine } from './engine.ts';
import { type BenchResult, median } from './result.ts';

/**
 * The whole way of an event to one of 1,000 HTTPS endpoints, each an origin and a project of its own,
 * against undici posting the same to the same 1,000 over kept connections, one to each. In turns within one
 * process, 512 posts in flight on either side (the default of webhook_concurrency); the ratio of each
 * round, then the median.
 *
 * Afterwards the endpoints hang up on everybody, and once more an event goes to each: of the handshakes that
 * this takes, `resumed` is the share that resumed a session.
 */
const TARGET = 0.7;
const ENDPOINTS = 1_000;
const IN_FLIGHT = 512;
const ROUNDS = 5;
const WARM_UP_MS = 3_000;
const ROUND_MS = 3_000;

interface Counts {
  handshakes: number;
  resumed: number;
  open: number;
  mostOpen: number;
}

export async function benchTls(): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  try {
    const files = createCertificates(folder, 'IP:127.0.0.1');
    return await measure(files.certificate, files.key, readFileSync(files.authority, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(certificate: string, key: string, ca: string): Promise<BenchResult> {
  const sink = await startTlsSink(certificate, key);
  const engine = await startBenchEngine({ ca, concurrency: IN_FLIGHT });
  const pools = sink.ports.map(
    (port) =>
      new Pool(`https://127.0.0.1:${port}`, {
        connections: 1,
        pipelining: 1,
        keepAliveTimeout: 60_000,
        connect: { ca },
      }),
  );
  let turn = 0;
  const nextPool = (): Pool => {
    turn += 1;
    const pool = pools[turn % pools.length];
    if (pool === undefined) throw new Error('There are no pools.');
    return pool;
  };
  try {
    for (const port of sink.ports) {
      await engine.addEndpoint(`https://127.0.0.1:${port}/hook`, 'new project');
    }
    const bare = { nextPool, inFlight: IN_FLIGHT };
    await measureLimit(bare, engine.ids, WARM_UP_MS);
    await sink.ask('counts');
    await measureWholeWay(engine, WARM_UP_MS);
    const warm = await sink.ask('counts');
    const rounds: { limit: number; whole: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const limit = await measureLimit(bare, engine.ids, ROUND_MS);
      const whole = await measureWholeWay(engine, ROUND_MS);
      rounds.push({ limit, whole });
      console.log(
        `round ${round + 1}: limit ${limit.toFixed(0)}/s, whole way ${whole.toFixed(0)}/s, ratio ${(whole / limit).toFixed(3)}`,
      );
    }
    const steady = await sink.ask('counts');
    const resumed = await measureResumption(sink, engine);
    const ratio = median(rounds.map(({ limit, whole }) => whole / limit));
    return {
      bench: 'tls',
      ratio,
      target: TARGET,
      pass: ratio >= TARGET,
      limit_per_second: Math.round(median(rounds.map(({ limit }) => limit))),
      whole_way_per_second: Math.round(median(rounds.map(({ whole }) => whole))),
      endpoints: ENDPOINTS,
      in_flight: IN_FLIGHT,
      connections_after_warm_up: warm.mostOpen - ENDPOINTS,
      new_connections_in_rounds: steady.handshakes,
      resumed: Number(resumed.toFixed(3)),
    };
  } finally {
    await Promise.all(pools.map((pool) => pool.close()));
    await engine.close();
    sink.stop();
  }
}

/** The share of handshakes that resumed a session, once all connections are gone. */
async function measureResumption(sink: TlsSink, engine: BenchEngine): Promise<number> {
  await sink.ask('hang up');
  // The ends of the connections arrive before the posts are written.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await sink.ask('counts');
  await measureWholeWay(engine, 500);
  const { handshakes, resumed } = await sink.ask('counts');
  return resumed / Math.max(1, handshakes);
}

interface TlsSink {
  ports: number[];
  /** Counts since the last question; `hang up` ends all connections first. */
  ask(word: 'counts' | 'hang up'): Promise<Counts>;
  stop(): void;
}

async function startTlsSink(certificate: string, key: string): Promise<TlsSink> {
  const child = fork(new URL('./tls-sink.ts', import.meta.url), [
    certificate,
    key,
    String(ENDPOINTS),
  ]);
  const next = <T>(): Promise<T> => new Promise((resolve) => child.once('message', resolve));
  const { ports } = await next<{ ports: number[] }>();
  return {
    ports,
    ask(word) {
      child.send(word);
      return next<Counts>();
    },
    stop: () => void child.disconnect(),
  };
}
