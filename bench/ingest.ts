import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ReadyProcess,
  startPosthornProcess,
} from 'posthorn/src/cli/whole/fixtures/posthorn-process.ts';
import { createIds } from 'posthorn/src/core/ids.ts';
import { systemClock } from 'posthorn/src/lib/clock.ts';
import { Pool } from 'undici';
import { measureLimit } from './dispatch.ts';
import { IN_FLIGHT } from './engine.ts';
import { createBatches } from './event-batch.ts';
import { readMetrics } from './read-metrics.ts';
import { type BenchResult, median } from './result.ts';
import { type Sink, startSink } from './start-sink.ts';

/**
 * The whole way of an event that comes by POST /v1/events in a batch of 100 (the request, its JSON, the
 * commit with fsync, match, sign, post, record) through `posthorn serve`, a process of its own, against the
 * bare loop that `dispatch` measures by too, which runs in this process. In turns; the ratio of each round,
 * then the median. */
const TARGET = 0.6;
const ROUNDS = 5;
const WARM_UP_MS = 3_000;
const ROUND_MS = 3_000;
const BATCH = 100;
/** Events sent and not received yet: as many as `dispatch` has on their way. */
const OUTSTANDING = 1_920;
const LOOK_MS = 5;
const LAST_LOOK_MS = 20;
const API_KEY = 'phk_bench';

export async function benchIngest(): Promise<BenchResult> {
  const sink = await startSink();
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  const server = await startPosthornProcess({
    data: folder,
    roles: 'api,smtp,dispatch',
    'api-key': API_KEY,
    'endpoint-concurrency': String(IN_FLIGHT),
    'api-rate': '100000',
  });
  const ids = createIds({ now: systemClock.now, randomBytes });
  const pool = new Pool(`http://127.0.0.1:${sink.port}`, { connections: IN_FLIGHT, pipelining: 1 });
  const api = createApi(server);
  const bare = { nextPool: () => pool, inFlight: IN_FLIGHT };
  try {
    await api.post('endpoints', JSON.stringify({ url: `http://127.0.0.1:${sink.port}/hook` }));
    const nextBatch = createBatches(BATCH);
    const measureWholeWay = (forMs: number): Promise<number> =>
      measureIngest({ api, server, sink, nextBatch }, forMs);
    await measureLimit(bare, ids, WARM_UP_MS);
    await measureWholeWay(WARM_UP_MS);
    const rounds: { limit: number; whole: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const limit = await measureLimit(bare, ids, ROUND_MS);
      const whole = await measureWholeWay(ROUND_MS);
      rounds.push({ limit, whole });
      console.log(
        `round ${round + 1}: limit ${limit.toFixed(0)}/s, whole way ${whole.toFixed(0)}/s, ratio ${(whole / limit).toFixed(3)}`,
      );
    }
    const ratio = median(rounds.map(({ limit, whole }) => whole / limit));
    return {
      bench: 'ingest',
      ratio,
      target: TARGET,
      pass: ratio >= TARGET,
      limit_per_second: Math.round(median(rounds.map(({ limit }) => limit))),
      whole_way_per_second: Math.round(median(rounds.map(({ whole }) => whole))),
      batch: BATCH,
    };
  } finally {
    await pool.close();
    await api.close();
    server.child.kill('SIGKILL');
    await server.ended;
    sink.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Api {
  post(resource: string, body: string): Promise<void>;
  close(): Promise<void>;
}

function createApi(server: ReadyProcess): Api {
  const pool = new Pool(server.httpUrl, { connections: 32 });
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
  return {
    async post(resource, body) {
      const path = `/v1/${resource}`;
      const answer = await pool.request({ method: 'POST', path, headers, body });
      if (answer.statusCode < 300) return answer.body.dump();
      throw new Error(`${path} answered ${answer.statusCode}: ${await answer.body.text()}`);
    },
    close: () => pool.close(),
  };
}

/** Events a second, from the first request until the last result is recorded. */
async function measureIngest(
  way: { api: Api; server: ReadyProcess; sink: Sink; nextBatch: () => string },
  forMs: number,
): Promise<number> {
  const { api, server, sink, nextBatch } = way;
  const before = await sink.count();
  const recordedBefore = await readRecorded(server);
  const startedAt = performance.now();
  let sent = 0;
  let received = 0;
  const calls: Promise<void>[] = [];
  while (performance.now() - startedAt < forMs) {
    while (sent - received + BATCH <= OUTSTANDING) {
      sent += BATCH;
      calls.push(api.post('events', nextBatch()));
    }
    await pause(LOOK_MS);
    received = (await sink.count()) - before;
  }
  await Promise.all(calls);
  // Who asks for metrics makes the server count: only when little is left to wait for.
  while ((await sink.count()) - before < sent) await pause(LOOK_MS);
  while ((await readRecorded(server)) - recordedBefore < sent) await pause(LAST_LOOK_MS);
  return (sent * 1_000) / (performance.now() - startedAt);
}

async function readRecorded(server: ReadyProcess): Promise<number> {
  return (await readMetrics(server)).get('posthorn_webhook_attempt_seconds_count') ?? 0;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
