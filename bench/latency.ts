import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadKeyMaterial } from 'posthorn/src/cli/key-material.ts';
import { loadConfig } from 'posthorn/src/config/load-config.ts';
import { silentLog } from 'posthorn/src/lib/log.ts';
import { startPosthorn } from 'posthorn/src/main.ts';
import { Pool } from 'undici';
import { type BenchResult, percentile } from './result.ts';
import { startSink } from './start-sink.ts';

/**
 * The time from sending an event to POST /v1/events of a whole server until the endpoint has it: the
 * request, the commit with fsync, the dispatch and the post. At a steady 200 events a second.
 * `ratio` is the p95 in ms, since this target is a time and not a ratio.
 */
const TARGET_MS = 20;
const RATE_PER_SECOND = 200;
const WARM_UP = 1_000;
const MEASURED = 4_000;
const API_KEY = 'phk_bench';

export async function benchLatency(): Promise<BenchResult> {
  const sink = await startSink('record');
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  const flags = { data: folder, port: '0', roles: 'api,dispatch', apiKey: API_KEY };
  const config = loadConfig({ flags });
  const server = await startPosthorn(config, loadKeyMaterial(config), { log: silentLog });
  const api = new Pool(server.httpUrl, { connections: 16 });
  const post = async (path: string, body: object): Promise<{ data?: { id: string }[] }> => {
    const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
    const answer = await api.request({ method: 'POST', path, headers, body: JSON.stringify(body) });
    return (await answer.body.json()) as { data?: { id: string }[] };
  };
  try {
    await post('/v1/endpoints', { url: `http://127.0.0.1:${sink.port}/hook` });
    const sentAt = new Map<string, number>();
    const startedAt = monotonicMs();
    const calls: Promise<void>[] = [];
    for (let i = 0; i < WARM_UP + MEASURED; i++) {
      const waitMs = startedAt + (i * 1_000) / RATE_PER_SECOND - monotonicMs();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      calls.push(send(i));
    }
    await Promise.all(calls);
    async function send(i: number): Promise<void> {
      const at = monotonicMs();
      const { data } = await post('/v1/events', sampleBody(i));
      const id = data?.[0]?.id;
      if (id !== undefined && i >= WARM_UP) sentAt.set(id, at);
    }
    const received = await waitForAll(sink.received, sentAt);
    const times = [...sentAt].map(
      ([id, at]) => (received.get(id) ?? Number.POSITIVE_INFINITY) - at,
    );
    const p95 = percentile(times, 0.95);
    return {
      bench: 'latency',
      ratio: p95,
      target: TARGET_MS,
      pass: p95 < TARGET_MS && sentAt.size === MEASURED,
      p50_ms: Number(percentile(times, 0.5).toFixed(2)),
      p95_ms: Number(p95.toFixed(2)),
      p99_ms: Number(percentile(times, 0.99).toFixed(2)),
      events: sentAt.size,
      rate_per_second: RATE_PER_SECOND,
    };
  } finally {
    await api.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
    sink.stop();
  }
}

async function waitForAll(
  read: () => Promise<Map<string, number>>,
  sent: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  for (let look = 0; look < 50; look++) {
    const received = await read();
    if ([...sent.keys()].every((id) => received.has(id))) return received;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return read();
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
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
