import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { CanonicalEvent } from '@posthorn/sdk';
import { type EndpointFarm, startEndpointFarm } from './fixtures/endpoint-farm.ts';
import { type Acknowledged, startFeed } from './fixtures/feed.ts';
import { startMailSink } from './fixtures/mail-sink.ts';
import {
  type ReadyProcess,
  runPosthorn,
  startPosthornProcess,
} from './fixtures/posthorn-process.ts';
import { createTestClient, readList, type TestClient } from './fixtures/test-client.ts';
import { startWebhookReceiver } from './fixtures/webhook-receiver.ts';

const KILLS = 21;
/** Of these kills, every seventh is followed by one that falls into the start. */
const START_KILL_EVERY = 7;
/** Answers before a kill, at most. */
const MAX_ANSWERS = 50;
const API_KEY = 'phk_crash-test';

/** Settings of webhook_concurrency and mail_destination_concurrency: what can be under way at once. */
const POSTS = 512;
const TRANSACTIONS = 10;
const MAX_RECIPIENTS = 3;
const DRAIN_BOUND_MS = 60_000;

/** The receiver, one that wants the events of a message in order, and one that wants batches. */
const ENDPOINTS = 3;

/** mulberry32: small, and the same numbers for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

async function readGauges(httpUrl: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text();
  const lines = [...text.matchAll(/^(posthorn_\w+) (\d+)$/gm)];
  return new Map(lines.map(([, name = '', value]) => [name, Number(value)]));
}

const OWED = [
  'posthorn_deliveries_waiting',
  'posthorn_deliveries_in_memory',
  'posthorn_mail_waiting',
  'posthorn_mail_jobs_in_memory',
];

/** Until nothing is owed any more, or the bound has passed. */
async function drain(httpUrl: string): Promise<void> {
  const untilMs = Date.now() + DRAIN_BOUND_MS;
  for (;;) {
    const gauges = await readGauges(httpUrl);
    if (OWED.every((name) => gauges.get(name) === 0)) return;
    const shown = OWED.map((name) => `${name} ${gauges.get(name)}`).join(', ');
    assert.ok(Date.now() < untilMs, `not drained: ${shown}`);
    await delay(50);
  }
}

/** Each message has its recipients and all their events, and each of those was delivered. */
async function checkMessages(client: TestClient, acknowledged: Acknowledged): Promise<Set<string>> {
  const delivered = new Set<string>();
  for (const [id, recipients] of acknowledged.messages) {
    const message = await client.get(`/v1/messages/${id}`);
    const wanted = [...new Set(recipients)].sort();
    const states = message.recipients.map((one: { address: string; state: string }) => [
      one.address,
      one.state,
    ]);
    assert.deepEqual(
      states.sort(),
      wanted.map((address) => [address, address.startsWith('bounce') ? 'bounced' : 'delivered']),
      id,
    );
    for (const address of wanted) {
      const ofRecipient = message.timeline.filter(
        ({ event }: { event: { data: { recipient: string } } }) => event.data.recipient === address,
      );
      const types = ofRecipient.map(({ event }: { event: { type: string } }) => event.type);
      assert.equal(types[0], 'email.accepted', id);
      assert.ok(types.includes('email.sent'), `${id}: ${types}`);
      const last = address.startsWith('bounce') ? 'email.bounced' : 'email.delivered';
      assert.equal(types.filter((type: string) => type === last).length, 1, `${id}: ${types}`);
      for (const { deliveries } of ofRecipient) {
        assert.deepEqual(
          deliveries.map((one: { state: string }) => one.state),
          Array(ENDPOINTS).fill('delivered'),
        );
      }
      if (!address.startsWith('bounce')) delivered.add(`${message.smtp_id} ${address}`);
    }
  }
  return delivered;
}

test(`${KILLS} times killed at random, it has lost nothing that it answered for`, async (t) => {
  const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 1_000_000);
  t.diagnostic(`TEST_SEED=${seed}`);
  const random = createRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-crash-'));
  const receiver = await startWebhookReceiver({ refuses: () => random() < 0.05 });
  const sink = await startMailSink({ defers: () => random() < 0.05 });
  const farm = await startEndpointFarm(t);
  farm.answer = () => (random() < 0.05 ? 503 : 204);
  const settings = {
    data: folder,
    'api-key': API_KEY,
    hostname: 'posthorn.test',
    smarthost: `smtp://127.0.0.1:${sink.port}`,
    'mail-tls': 'off',
    'mail-retry-ladder': '200ms',
    'mail-destination-concurrency': String(TRANSACTIONS),
    'webhook-concurrency': String(POSTS),
    'endpoint-concurrency': String(POSTS),
    'webhook-retry-ladder': Array(20).fill('200ms').join(','),
    'log-level': 'info',
  };
  const acknowledged: Acknowledged = { messages: new Map(), events: new Set() };
  const repeatedAt: number[] = [];
  let running: ReadyProcess | null = null;
  try {
    running = await startPosthornProcess(settings);
    const first = createTestClient(running.httpUrl, API_KEY);
    const endpoint = await first.post('/v1/endpoints', { url: receiver.url });
    receiver.useSecret(endpoint.secret);
    const batch = { max_events: 20, max_wait: '50ms' };
    await first.post('/v1/endpoints', { url: farm.url('ordered'), order: 'per-message' });
    await first.post('/v1/endpoints', { url: farm.url('batched'), batch });

    for (let kill = 1; kill <= KILLS; kill++) {
      const before = receiver.repeated();
      running ??= await startPosthornProcess(settings);
      const feed = startFeed({ ...running, apiKey: API_KEY }, acknowledged, random);
      await feed.until(Math.floor(random() * MAX_ANSWERS));
      running.child.kill('SIGKILL');
      assert.equal(await running.ended, 'SIGKILL');
      await feed.ended;
      running = null;
      repeatedAt.push(receiver.repeated() - before);
      if (kill % START_KILL_EVERY === 0) await killDuringStart(settings, random);
    }

    const before = receiver.repeated();
    running = await startPosthornProcess(settings);
    await drain(running.httpUrl);
    repeatedAt.push(receiver.repeated() - before);

    const client = createTestClient(running.httpUrl, API_KEY);
    const delivered = await checkMessages(client, acknowledged);
    const log = await readList(client, '/v1/events');
    const inLog = new Set(log.map(({ id }) => id));
    const { taken } = receiver;
    assert.deepEqual(receiver.rejected, [], 'signatures that did not hold');
    assert.deepEqual(
      [...acknowledged.events].filter((id) => !taken.has(id)),
      [],
    );
    // Also what was stored without its answer having come through, and nothing else.
    assert.deepEqual(
      [...inLog].filter((id) => !taken.has(id)),
      [],
    );
    assert.deepEqual(
      [...taken.keys()].filter((id) => !inLog.has(id)),
      [],
    );
    for (const key of delivered) assert.ok(sink.taken.has(key), `not sent: ${key}`);
    for (const name of ['ordered', 'batched']) {
      assert.deepEqual([...new Set(farm.taken(name))].sort(), [...inLog].sort(), name);
    }
    checkOrder(farm, taken);

    const again = [...sink.taken.values()].reduce((sum, times) => sum + times - 1, 0);
    assert.ok(Math.max(...repeatedAt) <= POSTS, `posts repeated after a kill: ${repeatedAt}`);
    assert.ok(again <= KILLS * TRANSACTIONS * MAX_RECIPIENTS, `mails sent again: ${again}`);
    t.diagnostic(
      `${acknowledged.messages.size} messages, ${log.length} events, ${receiver.repeated()} posts and ${again} mails twice`,
    );
    assert.ok(acknowledged.messages.size > KILLS, 'the feed has fed');
    running.child.kill('SIGTERM');
    assert.equal(await running.ended, 0);
  } finally {
    running?.child.kill('SIGKILL');
    await running?.ended;
    await receiver.close();
    await sink.close();
    await rm(folder, { recursive: true, force: true });
  }
});

/** What of a message and recipient came for the first time came in the order of the log. */
function checkOrder(farm: EndpointFarm, events: ReadonlyMap<string, CanonicalEvent>): void {
  const last = new Map<string, number>();
  for (const id of new Set(farm.taken('ordered'))) {
    const { message, recipient, sequence = 0 } = events.get(id)?.data ?? {};
    if (message?.id === undefined) continue;
    const key = `${message.id} ${recipient}`;
    assert.ok(sequence > (last.get(key) ?? 0), `${id} came too late`);
    last.set(key, sequence);
  }
  assert.ok(last.size > 0);
}

/** Somewhere between its first step and the first requests. */
async function killDuringStart(
  settings: Record<string, string>,
  random: () => number,
): Promise<void> {
  const args = Object.entries({ ...settings, port: '0', 'smtp-port': '0' });
  const starting = runPosthorn(['serve', ...args.flatMap(([name, value]) => [`--${name}`, value])]);
  await delay(random() * 1_000);
  starting.child.kill('SIGKILL');
  await starting.ended;
}
