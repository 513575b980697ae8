import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ReadyProcess,
  startPosthornProcess,
} from 'posthorn/src/cli/whole/fixtures/posthorn-process.ts';
import { readMetrics } from './read-metrics.ts';
import { type BenchResult, median } from './result.ts';
import { startSink } from './start-sink.ts';

/**
 * Resident memory of `posthorn serve`, a process of its own, with 200,000 deliveries pending against
 * the same process when it has just started and has delivered one event. The events come by POST
 * /v1/events as fast as the server takes them; their endpoint takes connections and never answers.
 * Resident is what the process says of itself on /metrics: heap with its garbage, buffers, caches. The ratio is
 * that of a process at rest, some seconds after the rush as after the start; beside it stands what it has at
 * the end of the rush.
 */
const TARGET = 1.3;
const PENDING = 200_000;
const BATCH = 100;
const CALLS = 4;
/** Until a process is at rest, ms. */
const REST_MS = 6_000;
const API_KEY = 'phk_bench';

export async function benchMemory(): Promise<BenchResult> {
  const [sink, silent] = [await startSink(), await startSink('silent')];
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  const server = await startPosthornProcess({ data: folder, 'api-key': API_KEY });
  try {
    const warm = await post(server, 'endpoints', { url: `http://127.0.0.1:${sink.port}/hook` });
    await post(server, 'events', [sampleBody(0)]);
    await pause(REST_MS);
    await call(server, 'DELETE', `endpoints/${warm['id']}`);
    const none = await residentBytes(server);
    await post(server, 'endpoints', { url: `http://127.0.0.1:${silent.port}/hook` });
    const seconds = await fill(server);
    const rushed = (await readMetrics(server)).get('process_resident_memory_bytes') ?? Number.NaN;
    await pause(REST_MS);
    const pending = await residentBytes(server);
    const counted = await readMetrics(server);
    const waiting =
      (counted.get('posthorn_deliveries_waiting') ?? 0) +
      (counted.get('posthorn_deliveries_in_memory') ?? 0);
    const ratio = pending / none;
    return {
      bench: 'memory',
      ratio,
      target: TARGET,
      pass: ratio <= TARGET && waiting >= PENDING,
      pending: waiting,
      resident_mb_with_none: Math.round(none / 2 ** 20),
      resident_mb_with_pending: Math.round(pending / 2 ** 20),
      resident_mb_after_rush: Math.round(rushed / 2 ** 20),
      taken_per_second: Math.round(PENDING / seconds),
    };
  } finally {
    server.child.kill('SIGKILL');
    await server.ended;
    silent.stop();
    sink.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(server: ReadyProcess): Promise<number> {
  const startedAt = performance.now();
  let left = PENDING / BATCH;
  async function caller(): Promise<void> {
    while (left > 0) {
      left -= 1;
      const first = left * BATCH;
      await post(
        server,
        'events',
        Array.from({ length: BATCH }, (_, i) => sampleBody(first + i)),
      );
    }
  }
  await Promise.all(Array.from({ length: CALLS }, caller));
  return (performance.now() - startedAt) / 1_000;
}

/** The median of several looks after the work has ended, without forcing a collection. */
async function residentBytes(server: ReadyProcess): Promise<number> {
  const looks: number[] = [];
  for (let i = 0; i < 5; i++) {
    await pause(400);
    looks.push((await readMetrics(server)).get('process_resident_memory_bytes') ?? Number.NaN);
  }
  return median(looks);
}

function post(
  server: ReadyProcess,
  resource: string,
  body: unknown,
): Promise<Record<string, unknown>> {
  return call(server, 'POST', resource, body);
}

async function call(
  server: ReadyProcess,
  method: string,
  resource: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const answer = await fetch(`${server.httpUrl}/v1/${resource}`, {
    method,
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} /v1/${resource} answered ${answer.status}: ${text}`);
  return text === '' ? {} : JSON.parse(text);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function sampleBody(i: number): object {
  return {
    type: 'email.delivered',
    timestamp: new Date().toISOString(),
    data: {
      provider: 'bench',
      message: { provider_id: `message-${i}`, from: 'shop@example.com', subject: 'Your order' },
      recipient: 'user@example.com',
      delivery: { smtp_code: 250, response: '250 2.0.0 Ok: queued as 4F2A11B3C', tls: true },
      metadata: { order_id: String(i) },
    },
  };
}
