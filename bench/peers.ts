import { randomBytes } from 'node:crypto';
import { createIds } from 'posthorn/src/core/ids.ts';
import { systemClock } from 'posthorn/src/lib/clock.ts';
import { startTestCluster } from 'posthorn/src/store/postgres/fixtures/test-cluster.ts';
import { sampleEvent } from './engine.ts';
import { startBullmqPeer } from './peers/bullmq.ts';
import { startGraphileWorkerPeer } from './peers/graphile-worker.ts';
import { installPeerPackages } from './peers/install-packages.ts';
import type { Peer } from './peers/peer.ts';
import { startPgBossPeer } from './peers/pg-boss.ts';
import { startPosthornPeer } from './peers/posthorn.ts';
import { type BenchResult, median, percentile } from './result.ts';
import { type Sink, startSink } from './start-sink.ts';
import { SERVER_SETTINGS } from './store.ts';

/**
 * The job that people otherwise build: accept an event durably, post it signed, record the result, retry
 * when it fails. By Posthorn and by queues, each in this process with 64 posts in flight, at the settings
 * that its documentation has for throughput, with the same receiver and the same disk. In turns within
 * one run, everything warm.
 *
 * `ratio`: the throughput of Posthorn on SQLite against the best of the others of each round, then the
 * median. Latency is from the call that hands an event over until the endpoint has it, at a steady rate.
 */
const TARGET = 2;
const POSTGRES_TARGET = 1.5;
const ROUNDS = 3;
const WARM_UP_MS = 2_000;
const ROUND_MS = 3_000;
const OUTSTANDING = 1_920;
const RATE_PER_SECOND = 200;
const LATENCY_EVENTS = 1_000;

const ids = createIds({ now: systemClock.now, randomBytes });

export async function benchPeers(): Promise<BenchResult> {
  installPeerPackages();
  const sink = await startSink('record');
  const cluster = await startTestCluster([...SERVER_SETTINGS], true);
  const url = `http://127.0.0.1:${sink.port}/hook`;
  const database = async (): Promise<string> => cluster.url(await cluster.createDatabase());
  const peers: Peer[] = [];
  try {
    peers.push(await startPosthornPeer(url));
    peers.push(await startPosthornPeer(url, await database()));
    peers.push(await startBullmqPeer(url, 'always'));
    peers.push(await startBullmqPeer(url, 'everysec'));
    peers.push(await startPgBossPeer(url, await database()));
    peers.push(await startGraphileWorkerPeer(url, await database()));
    for (const { name, guarantee } of peers) console.log(`${name}: ${guarantee}`);
    return await compare(peers, sink);
  } finally {
    for (const peer of peers) await peer.close();
    await cluster.stop();
    sink.stop();
  }
}

async function compare(peers: readonly Peer[], sink: Sink): Promise<BenchResult> {
  for (const peer of peers) await measureThroughput(peer, WARM_UP_MS);
  const rounds: number[][] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const rates: number[] = [];
    for (const peer of peers) rates.push(await measureThroughput(peer, ROUND_MS));
    rounds.push(rates);
    console.log(`round ${round}, events/s: ${rates.map((rate) => rate.toFixed(0)).join(', ')}`);
  }
  const latencies: { p50: number; p95: number }[] = [];
  for (const peer of peers) latencies.push(await measureLatency(peer, sink));
  const perSecond = peers.map((_, i) => median(rounds.map((rates) => rates[i] ?? 0)));
  peers.forEach(({ name }, i) => {
    const { p50 = 0, p95 = 0 } = latencies[i] ?? {};
    console.log(
      `${name}: ${perSecond[i]?.toFixed(0)} events/s; p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms at ${RATE_PER_SECOND}/s`,
    );
  });
  const against = (own: number): number =>
    median(rounds.map((rates) => (rates[own] ?? 0) / Math.max(...rates.slice(2))));
  const ratio = against(0);
  const figures = peers.map(({ name }, i): [string, number] => [
    name.toLowerCase().replaceAll(/[^a-z]+/g, '_'),
    Math.round(perSecond[i] ?? 0),
  ]);
  const p95s = figures.map(([name], i): [string, number] => [
    `${name}_p95_ms`,
    Number((latencies[i]?.p95 ?? 0).toFixed(1)),
  ]);
  return {
    bench: 'peers',
    ratio,
    target: TARGET,
    pass: ratio >= TARGET && against(1) >= POSTGRES_TARGET,
    ratio_postgres: Number(against(1).toFixed(3)),
    target_postgres: POSTGRES_TARGET,
    ...Object.fromEntries([...figures, ...p95s]),
  };
}

/** Events a second until the last result is recorded, with as many on their way as there may be. */
async function measureThroughput(peer: Peer, forMs: number): Promise<number> {
  const startedAt = performance.now();
  const before = peer.done();
  let appended = 0;
  await new Promise<void>((resolve, reject) => {
    function step(): void {
      const done = peer.done() - before;
      const isOver = performance.now() - startedAt >= forMs;
      if (isOver && done >= appended) resolve();
      while (!isOver && appended - done < OUTSTANDING) {
        appended += 1;
        peer.append(sampleEvent(ids)).catch(reject);
      }
    }
    peer.listen(step);
    step();
  });
  peer.listen(() => {});
  await peer.settle();
  return (appended * 1_000) / (performance.now() - startedAt);
}

async function measureLatency(peer: Peer, sink: Sink): Promise<{ p50: number; p95: number }> {
  sink.forget();
  const sentAt = new Map<string, number>();
  const appends: Promise<void>[] = [];
  const startedAt = monotonicMs();
  for (let i = 0; i < LATENCY_EVENTS; i++) {
    const waitMs = startedAt + (i * 1_000) / RATE_PER_SECOND - monotonicMs();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const event = sampleEvent(ids);
    sentAt.set(event.id, monotonicMs());
    appends.push(peer.append(event));
  }
  await Promise.all(appends);
  await peer.settle();
  const received = await sink.received();
  const times = [...sentAt].map(([id, at]) => (received.get(id) ?? Number.POSITIVE_INFINITY) - at);
  return { p50: percentile(times, 0.5), p95: percentile(times, 0.95) };
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
