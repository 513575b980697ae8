import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { mock } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { nextWebhookRetry, STANDARD_WEBHOOKS_LADDER_MS } from '../core/retry-schedule.ts';
import { until } from '../lib/fixtures/test-clock.ts';
import { createAddressGuard } from '../lib/network/address-guard.ts';
import { answered, failedWith } from './fixtures/fake-post-client.ts';
import { SECRET, START_MS } from './fixtures/make-endpoint.ts';
import { setUpDispatcher } from './fixtures/set-up-dispatcher.ts';
import { createPostClient } from './post/post-client.ts';

const HOUR_MS = 3_600_000;

test('an event reaches every endpoint that asked for its type, and no other', async (t) => {
  const { addEndpoint, append, client, untilAll, recorded } = await setUpDispatcher(t);
  await addEndpoint({ url: 'https://a.example.com/all', eventTypes: ['*'] });
  await addEndpoint({ url: 'https://a.example.com/email', eventTypes: ['email.*'] });
  await addEndpoint({ url: 'https://a.example.com/bounced', eventTypes: ['email.bounced'] });
  await addEndpoint({ url: 'https://a.example.com/other', eventTypes: ['email.opened'] });
  await append(1, 'email.bounced');
  await untilAll('delivered');
  assert.equal(recorded(), 3);
  const paths = client.posts.map(({ path }) => path).sort();
  assert.deepEqual(paths, ['/all', '/bounced', '/email']);
});

test('an event of another project reaches nobody here', async (t) => {
  const { addEndpoint, dispatcher } = await setUpDispatcher(t);
  await addEndpoint();
  const event = { id: 'evt_1', type: 'email.opened', timestamp: '', data: {} } as const;
  assert.deepEqual(dispatcher.owedFor('prj_other', event, START_MS), []);
});

test('every attempt carries the same bytes, freshly stamped and signed for Standard Webhooks', async (t) => {
  const received: { body: Buffer; headers: Record<string, string> }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = request.headers as Record<string, string>;
      received.push({ body: Buffer.concat(chunks), headers });
      response.writeHead(received.length < 3 ? 500 : 204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { addEndpoint, append, clock, untilRecorded, untilAll, dispatcher } = await setUpDispatcher(
    t,
    {
      client: (itsClock) =>
        createPostClient({
          guard: createAddressGuard(['loopback']),
          clock: itsClock,
          connectionsPerOrigin: 4,
          idleConnections: 4,
        }),
    },
  );
  await addEndpoint({ url: `http://127.0.0.1:${port}/hook?tenant=7` });
  const [eventId] = await append(1);
  await untilRecorded(1);
  await clock.advance(5_000);
  await untilRecorded(2);
  await clock.advance(300_000);
  await untilAll('delivered');
  await dispatcher.stop(0);

  assert.equal(received.length, 3);
  const stamps = received.map(({ headers }) => Number(headers['webhook-timestamp']) * 1_000);
  assert.deepEqual(stamps, [START_MS, START_MS + 5_000, START_MS + 305_000]);
  for (const [i, { body, headers }] of received.entries()) {
    assert.deepEqual(body, received[0]?.body);
    assert.equal(headers['webhook-id'], eventId);
    mock.timers.enable({ apis: ['Date'], now: stamps[i] ?? 0 });
    const verified = new Webhook(SECRET).verify(body, headers) as { id: string };
    mock.timers.reset();
    assert.equal(verified.id, eventId);
  }
  assert.equal(new Set(received.map(({ headers }) => headers['webhook-signature'])).size, 3);
});

test('a failing delivery climbs the ladder to the millisecond, and then it is dead', async (t) => {
  const ladderMs = STANDARD_WEBHOOKS_LADDER_MS;
  const { addEndpoint, append, clock, client, untilRecorded, deliveries } = await setUpDispatcher(
    t,
    { defaults: { ladderMs }, random: () => 0.25 },
  );
  client.answer = () => answered(503);
  await addEndpoint();
  await append(1);
  const expectedMs = [START_MS];
  for (let failures = 1; failures <= ladderMs.length; failures++) {
    await untilRecorded(failures);
    const dueAtMs = nextWebhookRetry({
      ladderMs,
      failures,
      nowMs: clock.now(),
      retryAfterMs: null,
      floorMs: 0,
      random: 0.25,
    });
    assert.ok(dueAtMs !== null);
    expectedMs.push(dueAtMs);
    await clock.advance(dueAtMs - clock.now() - 1);
    assert.equal(client.posts.length, failures);
    await clock.advance(1);
    await until('the next attempt began', () => client.posts.length > failures);
  }
  await untilRecorded(ladderMs.length + 1);
  assert.deepEqual(
    client.posts.map((post) => post.atMs),
    expectedMs,
  );
  const [dead] = await deliveries();
  assert.equal(dead?.state, 'dead');
  assert.equal(dead?.attempts, ladderMs.length + 1);
  assert.equal(clock.nextAtMs(), null);
});

test('Retry-After makes a wait longer and never shorter', async (t) => {
  for (const [retryAfter, waitMs] of [
    ['1', 300_000],
    ['600', 600_000],
    ['99999999', HOUR_MS],
  ] as const) {
    const { addEndpoint, append, client, untilRecorded, deliveries } = await setUpDispatcher(t, {
      defaults: { ladderMs: [300_000, 300_000] },
    });
    client.answer = () => answered(429, retryAfter);
    await addEndpoint();
    await append(1);
    await untilRecorded(1);
    const [delivery] = await deliveries();
    assert.equal((delivery?.due_at ?? 0) - START_MS, waitMs, retryAfter);
  }
});

test('a retry by hand is picked up at once while nothing else is to do', async (t) => {
  const { addEndpoint, append, clock, client, store, dispatcher, deliveries, untilRecorded } =
    await setUpDispatcher(t, { defaults: { ladderMs: [] } });
  client.answer = () => failedWith('connection_refused');
  const { projectId, id: endpointId } = await addEndpoint();
  const [eventId = ''] = await append(1);
  await untilRecorded(1);
  assert.equal((await deliveries())[0]?.state, 'dead');

  client.answer = () => answered(200);
  await store.deliveries.requeue({ projectId, eventId, endpointId }, clock.now(), []);
  dispatcher.wake(projectId, endpointId, clock.now());
  await untilRecorded(2);
  const [delivery] = await deliveries();
  assert.equal(delivery?.state, 'delivered');
  assert.equal(delivery?.attempts, 2);
});

test('a dispatcher that was not started leaves everything in the store', async (t) => {
  const { addEndpoint, append, client, dispatcher, deliveries } = await setUpDispatcher(t, {
    idle: true,
  });
  await addEndpoint();
  await append(5);
  assert.equal(client.posts.length, 0);
  assert.equal(dispatcher.stats().inMemory, 0);
  assert.ok((await deliveries()).every(({ node }) => node === null));
});
