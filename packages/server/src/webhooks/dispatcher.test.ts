import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { mock } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { nextWebhookRetry, STANDARD_WEBHOOKS_LADDER_MS } from '../core/retry-schedule.ts';
import { createAddressGuard } from '../lib/address-guard.ts';
import { turn, until } from '../lib/fixtures/test-clock.ts';
import { answered, failedWith, type SeenPost } from './fixtures/fake-post-client.ts';
import { SECRET, START_MS, setUpDispatcher } from './fixtures/set-up-dispatcher.ts';
import { createPostClient } from './post/post-client.ts';
import type { PostResult } from './post/post-result.ts';

const HOUR_MS = 3_600_000;

function pathsOf(posts: readonly SeenPost[]): string[] {
  return posts.map((post) => post.path).sort();
}

/** Fails when an event was posted more or less than once. */
function assertOnceEach(posts: readonly SeenPost[], eventIds: readonly string[]): void {
  assert.deepEqual(posts.map((post) => post.eventId).sort(), [...eventIds].sort());
}

test('an event reaches every endpoint that asked for its type, and no other', async (t) => {
  const { addEndpoint, append, client, untilAll, recorded } = await setUpDispatcher(t);
  await addEndpoint({ url: 'https://a.example.com/all', eventTypes: ['*'] });
  await addEndpoint({ url: 'https://a.example.com/email', eventTypes: ['email.*'] });
  await addEndpoint({ url: 'https://a.example.com/bounced', eventTypes: ['email.bounced'] });
  await addEndpoint({ url: 'https://a.example.com/other', eventTypes: ['email.opened'] });
  await append(1, 'email.bounced');
  await untilAll('delivered');
  assert.equal(recorded(), 3);
  assert.deepEqual(pathsOf(client.posts), ['/all', '/bounced', '/email']);
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
    { ladderMs, random: () => 0.25 },
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
      ladderMs: [300_000, 300_000],
    });
    client.answer = () => answered(429, retryAfter);
    await addEndpoint();
    await append(1);
    await untilRecorded(1);
    const [delivery] = await deliveries();
    assert.equal((delivery?.due_at ?? 0) - START_MS, waitMs, retryAfter);
  }
});

test('410 disables the endpoint; later events are skipped, and on record', async (t) => {
  const { addEndpoint, append, client, directory, states, untilRecorded } =
    await setUpDispatcher(t);
  client.answer = () => answered(410);
  const { projectId, id } = await addEndpoint();
  await append(1);
  await untilRecorded(1);
  await until(
    'the endpoint is disabled',
    () => directory.find(projectId, id)?.record.status === 'disabled',
  );
  assert.match(directory.find(projectId, id)?.record.disabledReason ?? '', /410/);
  await append(3);
  assert.deepEqual(await states(), { dead: 1, skipped: 3 });
  assert.equal(client.posts.length, 1);
});

test('what was pending when an endpoint was disabled is delivered when it is enabled', async (t) => {
  const { addEndpoint, append, clock, client, directory, states, untilRecorded, untilAll } =
    await setUpDispatcher(t, { endpointConcurrency: 2 });
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  client.answer = () => gate.then(() => answered(500));
  const endpoint = await addEndpoint();
  const eventIds = await append(10);
  await until('two posts are under way', () => client.posts.length === 2);
  await directory.update({ ...endpoint, status: 'disabled', disabledReason: 'By hand.' });
  release();
  await untilRecorded(2);
  await clock.advance(HOUR_MS);
  assert.equal(client.posts.length, 2);
  assert.deepEqual(await states(), { pending: 10 });

  client.answer = () => answered(200);
  await directory.update({ ...endpoint, status: 'enabled', disabledReason: null });
  await untilAll('delivered');
  assertOnceEach(client.posts.slice(2), eventIds);
});

test('a disabled endpoint keeps nothing in memory, so that it takes no room from others', async (t) => {
  const { addEndpoint, append, client, directory, dispatcher, recorded } = await setUpDispatcher(
    t,
    { memoryLimit: 20, endpointConcurrency: 1 },
  );
  client.answer = () => null;
  const stuck = await addEndpoint({ eventTypes: ['email.bounced'] });
  await append(40, 'email.bounced');
  await until('a post hangs', () => client.posts.length === 1);
  await directory.update({ ...stuck, status: 'disabled', disabledReason: 'By hand.' });
  await until('only the post under way is held', () => dispatcher.stats().inMemory === 1);

  client.answer = () => answered(200);
  await addEndpoint({ eventTypes: ['email.opened'] });
  const opened = await append(100, 'email.opened');
  await until('the other endpoint got all', () => recorded() === opened.length);
});

test('deleting an endpoint cancels what waits for it, in memory and in the store', async (t) => {
  const { addEndpoint, append, client, directory, states, dispatcher } = await setUpDispatcher(t, {
    endpointConcurrency: 2,
    memoryLimit: 20,
  });
  client.answer = () => null;
  const { projectId, id } = await addEndpoint();
  await append(50);
  await until('two posts hang', () => client.posts.length === 2);
  await directory.remove(projectId, id, START_MS + 1);
  await until('what waited is canceled', async () => (await states())['canceled'] === 48);
  assert.deepEqual(await states(), { pending: 2, canceled: 48 });
  assert.equal(dispatcher.stats().inMemory, 2);
});

test('an attempt that fails after its endpoint was deleted is not repeated', async (t) => {
  const { addEndpoint, append, clock, client, directory, states, dispatcher } =
    await setUpDispatcher(t);
  let fail = (): void => {};
  const failure = new Promise<void>((resolve) => {
    fail = resolve;
  });
  client.answer = () => failure.then(() => answered(500));
  const { projectId, id } = await addEndpoint();
  await append(3);
  await until('three posts are under way', () => client.posts.length === 3);
  await directory.remove(projectId, id, START_MS + 1);
  fail();
  await until('all are canceled', async () => (await states())['canceled'] === 3);
  await clock.advance(24 * HOUR_MS);
  assert.equal(client.posts.length, 3);
  assert.deepEqual(dispatcher.stats(), { inMemory: 0, inFlight: 0 });
});

test('what finds its lane full waits in the store, and everything arrives once each', async (t) => {
  const { addEndpoint, append, client, dispatcher, untilAll } = await setUpDispatcher(t, {
    memoryLimit: 60,
    concurrency: 4,
    endpointConcurrency: 2,
  });
  for (const name of ['a', 'b', 'c']) await addEndpoint({ url: `https://${name}.example.com/x` });
  const eventIds: string[] = [];
  let most = 0;
  client.answer = () => {
    most = Math.max(most, dispatcher.stats().inMemory);
    return answered(200);
  };
  for (let i = 0; i < 10; i++) eventIds.push(...(await append(100)));
  await untilAll('delivered');
  await until('memory is empty', () => dispatcher.stats().inMemory === 0);
  assertOnceEach(client.posts, [...eventIds, ...eventIds, ...eventIds]);
  assert.ok(most <= 60, `${most} in memory`);
});

test('a flood of one endpoint beyond its lane arrives once each', async (t) => {
  const { addEndpoint, append, client, untilAll } = await setUpDispatcher(t);
  await addEndpoint();
  const pieces = await Promise.all(Array.from({ length: 10 }, () => append(500)));
  await untilAll('delivered');
  assertOnceEach(client.posts, pieces.flat());
});

test('an endpoint that hangs does not keep others from being served', async (t) => {
  const { addEndpoint, append, client, recorded } = await setUpDispatcher(t, {
    memoryLimit: 100,
    concurrency: 8,
  });
  client.answer = ({ path }) => (path === '/hang' ? null : answered(200));
  await addEndpoint({ url: 'https://a.example.com/hang', eventTypes: ['email.bounced'] });
  await addEndpoint({ url: 'https://b.example.com/well', eventTypes: ['email.opened'] });
  await append(300, 'email.bounced');
  await append(300, 'email.opened');
  await until('the other one got all', () => recorded() === 300);
  assert.equal(client.posts.filter((post) => post.path === '/hang').length, 4);
});

test('many endpoints that hang share what there is, and one that answers gets its part', async (t) => {
  const { addEndpoint, append, clock, client } = await setUpDispatcher(t, {
    memoryLimit: 200,
    concurrency: 20,
  });
  const hang = (): Promise<PostResult> =>
    new Promise((resolve) => clock.after(15_000, () => resolve(failedWith('timeout'))));
  const well = (): number => client.posts.filter((post) => post.path === '/well').length;
  client.answer = ({ path }) => (path === '/well' ? answered(200) : hang());
  for (let i = 0; i < 10; i++) {
    await addEndpoint({ url: `https://a.example.com/hang${i}`, eventTypes: ['email.bounced'] });
  }
  await append(300, 'email.bounced');
  await addEndpoint({ url: 'https://b.example.com/well', eventTypes: ['email.opened'] });
  await append(300, 'email.opened');
  // The first round of timeouts brings back what was given away when nothing else was to do.
  await clock.advance(15_000);
  await until('the one that answers got all', () => well() === 300);
});

test('fresh events and retries take turns, whichever there are more of', async (t) => {
  const { addEndpoint, append, clock, client, recorded, untilRecorded, untilAll } =
    await setUpDispatcher(t, { ladderMs: [60_000, 60_000], endpointConcurrency: 1 });
  await addEndpoint();
  client.answer = () => answered(500);
  const retried = new Set(await append(400));
  await untilRecorded(400);

  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  client.answer = () => gate.then(() => answered(200));
  await clock.advance(60_000);
  await until('a retry is under way', () => client.posts.length === 401);
  await append(400);
  const before = recorded();
  open();
  await until('the first hundred are through', () => recorded() >= before + 100);
  const hundred = client.posts.slice(401, 501);
  const retries = hundred.filter((post) => retried.has(post.eventId)).length;
  assert.equal(retries, 25);
  await untilAll('delivered');
});

test('a store that takes no work stops attempts, loses no result, and all goes on afterwards', async (t) => {
  const { addEndpoint, append, clock, engine, client, states, recorded, untilAll } =
    await setUpDispatcher(t, { endpointConcurrency: 2, memoryLimit: 10 });
  let answer = (): void => {};
  const gate = new Promise<void>((resolve) => {
    answer = resolve;
  });
  client.answer = () => gate.then(() => answered(200));
  await addEndpoint();
  const eventIds = await append(30);
  await until('two posts are under way', () => client.posts.length === 2);
  engine.fail();
  await assert.rejects(append(1), /full/);
  answer();
  await until('both results are held', () => engine.heldResults() === 2);
  await clock.advance(HOUR_MS);
  assert.equal(client.posts.length, 2);
  assert.equal(recorded(), 0);

  engine.recover();
  await untilAll('delivered');
  assertOnceEach(client.posts, eventIds);
  assert.deepEqual(await states(), { delivered: 30 });
});

test('a retry that falls due while the store is down is made when it is back', async (t) => {
  const { addEndpoint, append, clock, engine, client, untilRecorded, untilAll } =
    await setUpDispatcher(t);
  client.answer = () => answered(500);
  await addEndpoint();
  await append(1);
  await untilRecorded(1);
  engine.fail();
  await clock.advance(HOUR_MS);
  assert.equal(client.posts.length, 1);
  client.answer = () => answered(200);
  engine.recover();
  await untilAll('delivered');
  assert.equal(client.posts.length, 2);
});

test('a claim that breaks for another reason is tried again', async (t) => {
  const setup = await setUpDispatcher(t, { idle: true });
  const { addEndpoint, append, clock, engine, dispatcher, client, untilAll } = setup;
  await addEndpoint();
  await append(5);
  const { claimDeliveries } = engine;
  engine.claimDeliveries = () => Promise.reject(new Error('The database refused a statement.'));
  dispatcher.start();
  await clock.advance(0);
  engine.claimDeliveries = claimDeliveries;
  await clock.advance(10_000);
  await untilAll('delivered');
  assert.equal(client.posts.length, 5);
});

test('a lane whose results are all on their way to the store goes on when they have arrived', async (t) => {
  const { addEndpoint, append, engine, client, untilAll } = await setUpDispatcher(t, {
    memoryLimit: 4,
  });
  await addEndpoint();
  const held: (() => void)[] = [];
  const { recordAttempt } = engine;
  engine.recordAttempt = (attempt) =>
    new Promise((resolve, reject) => {
      held.push(() => recordAttempt(attempt).then(resolve, reject));
    });
  const eventIds = await append(12);
  await until('results are held', () => held.length > 0);
  await turn();
  engine.recordAttempt = recordAttempt;
  for (const forward of held) forward();
  await untilAll('delivered');
  assertOnceEach(client.posts, eventIds);
});

test('stop lets posts under way end, gives the rest back, and the next process delivers just that', async (t) => {
  const first = await setUpDispatcher(t, { endpointConcurrency: 3, memoryLimit: 20 });
  let answer = (): void => {};
  const gate = new Promise<void>((resolve) => {
    answer = resolve;
  });
  first.client.answer = () => gate.then(() => answered(200));
  await first.addEndpoint();
  const eventIds = await first.append(50);
  await until('three posts are under way', () => first.client.posts.length === 3);
  const stopped = first.dispatcher.stop(10_000);
  answer();
  await stopped;
  assert.deepEqual(await first.states(), { delivered: 3, pending: 47 });
  assert.deepEqual(first.dispatcher.stats(), { inMemory: 0, inFlight: 0 });
  const leased = (await first.deliveries()).filter((delivery) => delivery.node !== null);
  assert.equal(leased.length, 0);
  await first.engine.close();

  const second = await setUpDispatcher(t, { folder: first.folder, clock: first.clock });
  assert.equal(second.released, 0);
  await second.untilAll('delivered');
  assertOnceEach([...first.client.posts, ...second.client.posts], eventIds);
});

test('a post that outlasts the grace of a stop is aborted, not recorded, and given back', async (t) => {
  const { addEndpoint, append, clock, client, dispatcher, deliveries } = await setUpDispatcher(t);
  client.answer = () => null;
  await addEndpoint();
  await append(2);
  await until('two posts hang', () => client.posts.length === 2);
  const stopped = dispatcher.stop(10_000);
  await clock.advance(10_000);
  await stopped;
  assert.equal(client.closed, true);
  for (const { state, attempts, node, due_at } of await deliveries()) {
    const expected = { state: 'pending', attempts: 0, node: null, due_at: clock.now() };
    assert.deepEqual({ state, attempts, node, due_at }, expected);
  }
});

test('after a crash everything that was not recorded as delivered is due again', async (t) => {
  const first = await setUpDispatcher(t, { endpointConcurrency: 5, memoryLimit: 20 });
  await first.addEndpoint();
  const eventIds = await first.append(10);
  await first.untilAll('delivered');
  first.engine.forgetResults();
  const lost = await first.append(30);
  await until('posts ended unrecorded', () => first.client.posts.length >= 15);
  await first.engine.close();

  const second = await setUpDispatcher(t, { folder: first.folder, clock: first.clock });
  assert.ok(second.released > 0);
  await second.untilAll('delivered');
  assertOnceEach(second.client.posts, lost);
  assert.equal((await second.deliveries()).length, eventIds.length + lost.length);
});

test('a retry by hand is picked up at once while nothing else is to do', async (t) => {
  const { addEndpoint, append, clock, client, store, dispatcher, deliveries, untilRecorded } =
    await setUpDispatcher(t, { ladderMs: [] });
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
