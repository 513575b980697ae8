import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startTestCluster, withoutPostgres } from '../../store/postgres/fixtures/test-cluster.ts';
import { type Acknowledged, startFeed } from './fixtures/feed.ts';
import { startMailSink } from './fixtures/mail-sink.ts';
import { type ReadyProcess, startPosthornProcess } from './fixtures/posthorn-process.ts';
import { createTestClient, readList } from './fixtures/test-client.ts';
import { startWebhookReceiver } from './fixtures/webhook-receiver.ts';

const API_KEY = 'phk_many-nodes';
const ANSWERS = 60;
/** Longer than a node may be silent before it counts as dead (nodes/membership.ts). */
const FROZEN_MS = 14_000;
const DRAIN_BOUND_MS = 90_000;

test('three nodes on one database: changes reach all, and none is missed when nodes die or freeze', async (t) => {
  if (withoutPostgres !== false) return t.skip(withoutPostgres);
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-nodes-'));
  const cluster = await startTestCluster();
  const database = await cluster.createDatabase();
  const receiver = await startWebhookReceiver({ refuses: () => Math.random() < 0.05 });
  const sink = await startMailSink({ defers: () => Math.random() < 0.05 });
  const start = (name: string): Promise<ReadyProcess> =>
    startPosthornProcess({
      data: join(folder, name),
      'database-url': cluster.url(database),
      'api-key': API_KEY,
      'master-key': Buffer.alloc(32, 9).toString('base64'),
      hostname: 'posthorn.test',
      smarthost: `smtp://127.0.0.1:${sink.port}`,
      'mail-tls': 'off',
      'mail-retry-ladder': '200ms',
      'webhook-retry-ladder': Array(20).fill('200ms').join(','),
    });
  const running: ReadyProcess[] = [];
  const acknowledged: Acknowledged = { messages: new Map(), events: new Set() };
  const feedAll = (nodes: readonly ReadyProcess[]) =>
    nodes.map((node) => startFeed({ ...node, apiKey: API_KEY }, acknowledged, Math.random));

  async function untilAllTold(client: ReturnType<typeof createTestClient>): Promise<void> {
    const untilMs = Date.now() + DRAIN_BOUND_MS;
    for (;;) {
      const log = await readList(client, '/v1/events');
      const missing = log.filter(({ id }) => !receiver.taken.has(id));
      const open = [...acknowledged.messages.keys()].length;
      const final = new Set(
        log
          .filter(({ type }) => type === 'email.delivered' || type === 'email.bounced')
          .map(({ data }) => `${data.message.id} ${data.recipient}`),
      );
      const owed = [...acknowledged.messages].flatMap(([id, to]) =>
        [...new Set(to)].map((address) => `${id} ${address}`),
      );
      const unfinished = owed.filter((key) => !final.has(key));
      if (missing.length === 0 && unfinished.length === 0) return;
      assert.ok(
        Date.now() < untilMs,
        `${missing.length} events not told, ${unfinished.length} of ${open} messages not ended`,
      );
      await delay(200);
    }
  }

  try {
    // Two at once on an empty database: one of them makes the schema.
    running.push(...(await Promise.all([start('a'), start('b')])), await start('c'));
    const [a, b, c] = running;
    if (a === undefined || b === undefined || c === undefined) return;
    const clients = running.map(({ httpUrl }) => createTestClient(httpUrl, API_KEY));
    const [atA, atB] = clients;
    if (atA === undefined || atB === undefined) return;

    const endpoint = await atA.post('/v1/endpoints', { url: receiver.url });
    receiver.useSecret(endpoint.secret);
    await delay(1_500);
    const { data } = await atB.post('/v1/events', {
      type: 'email.opened',
      timestamp: new Date().toISOString(),
      data: { provider_event_id: 'first' },
    });
    await receiver.until(({ id }) => id === data[0].id);

    // One is killed while all are fed.
    let feeds = feedAll(running);
    await Promise.all(feeds.map((feed) => feed.until(ANSWERS)));
    c.child.kill('SIGKILL');
    await c.ended;
    await Promise.all(feeds.slice(0, 2).map((feed) => feed.until(ANSWERS * 2)));

    // Another is frozen for longer than it may be silent, and goes on with what it had in memory.
    b.child.kill('SIGSTOP');
    await delay(FROZEN_MS);
    b.child.kill('SIGCONT');
    await b.logged('Other nodes had declared this one dead; it joins again');
    const late = await start('d');
    running.push(late);
    feeds = [...feeds, ...feedAll([late])];
    await feeds.at(-1)?.until(ANSWERS);

    // The feeds end with their nodes; what they had been answered for is still owed.
    b.child.kill('SIGTERM');
    assert.equal(await b.ended, 0);
    a.child.kill('SIGTERM');
    assert.equal(await a.ended, 0);
    late.child.kill('SIGTERM');
    assert.equal(await late.ended, 0);
    await Promise.all(feeds.map(({ ended }) => ended));

    const last = await start('e');
    running.push(last);
    await untilAllTold(createTestClient(last.httpUrl, API_KEY));
    assert.deepEqual(receiver.rejected, []);
    assert.deepEqual(
      [...acknowledged.events].filter((id) => !receiver.taken.has(id)),
      [],
    );
    assert.ok(acknowledged.messages.size > ANSWERS / 2, 'the feed has fed');
    t.diagnostic(
      `${acknowledged.messages.size} messages, ${acknowledged.events.size} events, ${receiver.repeated()} posts twice`,
    );
  } finally {
    for (const { child } of running) child.kill('SIGCONT');
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
    await receiver.close();
    await sink.close();
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
