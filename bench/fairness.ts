import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ReadyProcess,
  startPosthornProcess,
} from 'posthorn/src/cli/whole/fixtures/posthorn-process.ts';
import { Pool } from 'undici';
import { type BenchResult, percentile } from './result.ts';
import { type Sink, startSink } from './start-sink.ts';

/**
 * The time from sending an event to POST /v1/events until its endpoint has it, p99, over 99 endpoints
 * that answer: while one more hangs (`ratio`), and while ten more hang, each against the same endpoints
 * all answering. An event is for one endpoint; those that hang have a backlog that takes every post
 * they may have, time out, and are probed. `posthorn serve` as a process of its own, at a steady rate.
 *
 * Turns follow each other, with nothing hanging in every other one. Each figure is the p99 over the times of
 * all rounds together: in a single turn it is the twentieth slowest, which a stall of the disk decides.
 * `noise` is what the two turns of a round in which nothing hangs differ by.
 */
const TARGET = 1.1;
const WELL = 99;
const SWINGING = 10;
const ROUNDS = 6;
const TURN_EVENTS = 2_000;
const RATE_PER_SECOND = 300;
const WARM_UP_EVENTS = 3_000;
/** Posts that an endpoint may have under way: the default of endpoint_concurrency. */
const IN_FLIGHT = 32;
/** More than that, so that some wait behind them. */
const BACKLOG = 100;
/** Within a turn, which takes 7 s: so it sees them hang, time out and be probed. */
const TIMEOUT = '3s';
const API_KEY = 'phk_bench';

export async function benchFairness(): Promise<BenchResult> {
  const sink = await startSink('record');
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  const server = await startPosthornProcess({ data: folder, 'api-key': API_KEY });
  const bench = createBench(server, sink);
  try {
    for (let i = 0; i < WELL; i++) await bench.createEndpoint(`well-${i}`);
    await bench.measure(WARM_UP_EVENTS);
    const rounds: { before: number[]; one: number[]; between: number[]; ten: number[] }[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const before = await measureTurn(bench, 0);
      const one = await measureTurn(bench, 1);
      const between = await measureTurn(bench, 0);
      const ten = await measureTurn(bench, SWINGING);
      rounds.push({ before, one, between, ten });
      const shown = [before, one, between, ten].map((times) => percentile(times, 0.99).toFixed(2));
      console.log(`round ${round}, p99 in ms with 0, 1, 0, 10 hanging: ${shown.join(', ')}`);
    }
    const p99Of = (...turns: Turn[]): number =>
      percentile(
        rounds.flatMap((round) => turns.flatMap((turn) => round[turn])),
        0.99,
      );
    const none = p99Of('before', 'between');
    const oneRatio = p99Of('one') / none;
    const tenRatio = p99Of('ten') / none;
    const noise = p99Of('between') / p99Of('before');
    return {
      bench: 'fairness',
      ratio: oneRatio,
      target: TARGET,
      pass: oneRatio <= TARGET,
      ratio_ten_hanging: Number(tenRatio.toFixed(3)),
      noise: Number(noise.toFixed(3)),
      p99_ms_none_hanging: Number(none.toFixed(2)),
      p99_ms_one_hanging: Number(p99Of('one').toFixed(2)),
      p99_ms_ten_hanging: Number(p99Of('ten').toFixed(2)),
      rate_per_second: RATE_PER_SECOND,
    };
  } finally {
    await bench.close();
    server.child.kill('SIGKILL');
    await server.ended;
    sink.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Turn = 'before' | 'one' | 'between' | 'ten';

type Bench = ReturnType<typeof createBench>;

/** The times of one turn, ms. With new endpoints: what became of the last ones must not count. */
async function measureTurn(bench: Bench, hanging: number): Promise<number[]> {
  const names = Array.from({ length: SWINGING }, (_, i) => `swinging-${i}`);
  bench.hang(names.slice(0, hanging));
  const ids: string[] = [];
  for (const name of names) ids.push(await bench.createEndpoint(name));
  const backlog = names.flatMap((name) => Array.from({ length: BACKLOG }, () => createEvent(name)));
  await bench.post('events', backlog);
  await bench.untilInFlight((posts) => posts === hanging * IN_FLIGHT);
  const times = await bench.measure(TURN_EVENTS);
  for (const id of ids) await bench.remove(id);
  bench.hang([]);
  await bench.untilInFlight((posts) => posts === 0);
  return times;
}

function createBench(server: ReadyProcess, sink: Sink) {
  const api = new Pool(server.httpUrl, { connections: 16 });

  async function call(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<string> {
    const answer = await api.request({
      method,
      path: `/v1/${path}`,
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    if (answer.statusCode < 300) return text;
    throw new Error(`${method} ${path} answered ${answer.statusCode}: ${text}`);
  }

  async function post(path: string, body: unknown): Promise<{ id: string; data: Appended[] }> {
    return JSON.parse(await call('POST', path, body));
  }

  return {
    post,
    remove: (endpointId: string) => call('DELETE', `endpoints/${endpointId}`),
    hang: (names: readonly string[]) => sink.hang(names.map((name) => `/${name}`)),
    close: () => api.close(),

    /** An endpoint for the events that are tagged with its name. */
    async createEndpoint(name: string): Promise<string> {
      const url = `http://127.0.0.1:${sink.port}/${name}`;
      const endpoint = { url, filter: { tag: [name] }, timeout: TIMEOUT };
      return (await post('endpoints', endpoint)).id;
    },

    async untilInFlight(holds: (posts: number) => boolean): Promise<void> {
      for (;;) {
        const answer = await api.request({ method: 'GET', path: '/metrics' });
        const posts = /^posthorn_webhook_posts_in_flight (\d+)$/m.exec(await answer.body.text());
        if (holds(Number(posts?.[1]))) return;
        await pause(50);
      }
    },

    /** Sends so many events, for one endpoint after the other; how long each took, ms. */
    async measure(events: number): Promise<number[]> {
      const sentAt = new Map<string, number>();
      const startedAt = monotonicMs();
      const calls: Promise<void>[] = [];
      for (let i = 0; i < events; i++) {
        const waitMs = startedAt + (i * 1_000) / RATE_PER_SECOND - monotonicMs();
        if (waitMs > 0) await pause(waitMs);
        const at = monotonicMs();
        const sent = post('events', createEvent(`well-${i % WELL}`)).then(({ data: [one] }) => {
          if (one !== undefined) sentAt.set(one.id, at);
        });
        calls.push(sent);
      }
      await Promise.all(calls);
      const received = await waitForAll(sink, sentAt);
      return [...sentAt].map(([id, at]) => (received.get(id) ?? Number.POSITIVE_INFINITY) - at);
    },
  };
}

interface Appended {
  id: string;
}

/** What has not come within ten seconds counts as never. */
async function waitForAll(
  sink: Sink,
  sent: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  for (let look = 0; look < 100; look++) {
    const received = await sink.received();
    if ([...sent.keys()].every((id) => received.has(id))) return received;
    await pause(100);
  }
  return sink.received();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

let made = 0;

function createEvent(tag: string): object {
  made += 1;
  return {
    type: 'email.delivered',
    timestamp: new Date().toISOString(),
    data: {
      provider: 'bench',
      message: { provider_id: `message-${made}`, from: 'shop@example.com', subject: 'Your order' },
      recipient: 'user@example.com',
      delivery: { smtp_code: 250, response: '250 2.0.0 Ok: queued as 4F2A11B3C', tls: true },
      tags: [tag],
    },
  };
}
