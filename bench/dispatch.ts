import { createSecretKey, randomBytes } from 'node:crypto';
import { signStandardWebhook } from '@posthorn/sdk';
import type { Ids } from 'posthorn/src/core/ids.ts';
import { Pool } from 'undici';
import { type BenchEngine, IN_FLIGHT, sampleEvent, startBenchEngine } from './engine.ts';
import { type BenchResult, median } from './result.ts';
import { startSink } from './start-sink.ts';

/**
 * The whole way of an event (append, commit with fsync, match, sign, post, record the attempt)
 * against the raw loop: undici's Pool.request with the same body, a fresh signature each and the
 * same receiver, but no store; and with signing and posting on a thread of their own. In turns within one
 * process; the ratio of each round, then the median.
 */
const TARGET = 0.8;
const ROUNDS = 5;
const WARM_UP_MS = 1_500;
const ROUND_MS = 3_000;

/** Events on their way at once: enough to keep 64 posts in flight while commits group. */
const OUTSTANDING = 1_920;

export async function benchDispatch(): Promise<BenchResult> {
  const sink = await startSink();
  const engine = await startBenchEngine();
  const threaded = await startBenchEngine({ threads: 1 });
  for (const one of [engine, threaded]) {
    await one.addEndpoint(`http://127.0.0.1:${sink.port}/hook`);
  }
  const pool = new Pool(`http://127.0.0.1:${sink.port}`, { connections: IN_FLIGHT, pipelining: 1 });
  try {
    await measureLimit({ nextPool: () => pool, inFlight: IN_FLIGHT }, engine.ids, WARM_UP_MS);
    await measureWholeWay(engine, WARM_UP_MS);
    await measureWholeWay(threaded, WARM_UP_MS);
    const rounds: { limit: number; whole: number; threaded: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const limit = await measureLimit(
        { nextPool: () => pool, inFlight: IN_FLIGHT },
        engine.ids,
        ROUND_MS,
      );
      const whole = await measureWholeWay(engine, ROUND_MS);
      const withThread = await measureWholeWay(threaded, ROUND_MS);
      rounds.push({ limit, whole, threaded: withThread });
      console.log(
        `round ${round + 1}: limit ${limit.toFixed(0)}/s, whole way ${whole.toFixed(0)}/s (${(whole / limit).toFixed(3)}), with a thread that posts ${withThread.toFixed(0)}/s (${(withThread / limit).toFixed(3)})`,
      );
    }
    const ratio = median(rounds.map(({ whole, limit }) => whole / limit));
    const threadRatio = median(rounds.map((round) => round.threaded / round.limit));
    return {
      bench: 'dispatch',
      ratio,
      target: TARGET,
      pass: ratio >= TARGET,
      limit_per_second: Math.round(median(rounds.map((round) => round.limit))),
      whole_way_per_second: Math.round(median(rounds.map((round) => round.whole))),
      ratio_with_thread: Number(threadRatio.toFixed(3)),
      with_thread_per_second: Math.round(median(rounds.map((round) => round.threaded))),
      in_flight: IN_FLIGHT,
    };
  } finally {
    await pool.close();
    await engine.close();
    await threaded.close();
    sink.stop();
  }
}

/** Requests a second of the bare loop; `nextPool` says where each goes. */
export async function measureLimit(
  { nextPool, inFlight }: { nextPool: () => Pool; inFlight: number },
  ids: Ids,
  forMs: number,
): Promise<number> {
  const key = createSecretKey(randomBytes(32));
  const body = Buffer.from(JSON.stringify(sampleEvent(ids)));
  const startedAt = performance.now();
  let sent = 0;
  async function loop(): Promise<void> {
    while (performance.now() - startedAt < forMs) {
      const id = ids.next('event');
      const timestamp = Math.floor(Date.now() / 1_000);
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'Posthorn/0.1 (+webhooks)',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signStandardWebhook({ key, id, timestamp, body }),
      };
      const answer = await nextPool().request({ path: '/hook', method: 'POST', headers, body });
      await answer.body.dump();
      sent += 1;
    }
  }
  await Promise.all(Array.from({ length: inFlight }, loop));
  return (sent * 1_000) / (performance.now() - startedAt);
}

/** Events a second from append to the attempt on disk, counted while the flow is steady. */
export async function measureWholeWay(engine: BenchEngine, forMs: number): Promise<number> {
  const { log, ids } = engine;
  const startedAt = performance.now();
  const before = engine.recorded();
  let appended = 0;
  await new Promise<void>((resolve, reject) => {
    function step(): void {
      const done = engine.recorded() - before;
      const over = performance.now() - startedAt >= forMs;
      if (over && done === appended) resolve();
      while (!over && appended - done < OUTSTANDING) {
        appended += 1;
        const projectId = engine.nextProjectId();
        log.append([{ projectId, event: sampleEvent(ids), dedupKey: null }]).catch(reject);
      }
    }
    engine.onRecorded(step);
    step();
  });
  engine.onRecorded(() => {});
  return (appended * 1_000) / (performance.now() - startedAt);
}
