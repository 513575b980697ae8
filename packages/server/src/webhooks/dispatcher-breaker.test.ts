import assert from 'node:assert/strict';
import test from 'node:test';
import { turn, until } from '../lib/fixtures/test-clock.ts';
import { OPEN_AFTER, RATE_SLACK_MS, recoveryRate } from './breaker.ts';
import { answered, assertOnceEach, failedWith } from './fixtures/fake-post-client.ts';
import { setUpDispatcher } from './fixtures/set-up-dispatcher.ts';

type Setup = Awaited<ReturnType<typeof setUpDispatcher>>;

const HOUR_MS = 3_600_000;

/** Turns the clock to the next thing that is to be done, which is a probe. */
async function nextProbe(setup: Setup): Promise<void> {
  const { clock, recorded } = setup;
  const before = recorded();
  await clock.advance((clock.nextAtMs() ?? 0) - clock.now());
  await until('the probe is recorded', () => recorded() === before + 1);
  await setup.untilInStore();
}

/** Counts the questions for what is due. */
function countClaims({ engine }: Pick<Setup, 'engine'>): () => number {
  let claims = 0;
  const { claimDeliveries } = engine;
  engine.claimDeliveries = (claim) => {
    claims += 1;
    return claimDeliveries(claim);
  };
  return () => claims;
}

test('an endpoint that is down costs ten attempts, and then only probes, which cost none', async (t) => {
  const setup = await setUpDispatcher(t, { defaults: { concurrency: 1 } });
  const { addEndpoint, append, client, deliveries, clock, recorded } = setup;
  client.answer = () => answered(503);
  await addEndpoint();
  await append(200);
  await until('its breaker is open', () => recorded() === OPEN_AFTER);
  await setup.untilInStore();
  const failuresOf = async (): Promise<number> =>
    (await deliveries()).reduce((sum, { failures }) => sum + failures, 0);
  assert.equal(await failuresOf(), OPEN_AFTER);
  assert.ok((await deliveries()).every(({ node }) => node === null));

  const start = clock.now();
  for (let i = 0; i < 5; i++) await nextProbe(setup);
  assert.equal(client.posts.length, OPEN_AFTER + 5);
  assert.equal(await failuresOf(), OPEN_AFTER);
  const probes = client.posts.slice(OPEN_AFTER).map(({ atMs }) => atMs - start);
  // 10, 20, 40, 80 and 160 s after one another.
  assert.deepEqual(probes, [10_000, 30_000, 70_000, 150_000, 310_000]);
  assert.ok((await deliveries()).every(({ state }) => state === 'pending'));
});

test('what comes while it is down waits in the store, and is not tried', async (t) => {
  const setup = await setUpDispatcher(t, { defaults: { concurrency: 1 } });
  const { addEndpoint, append, client, deliveries, dispatcher, recorded } = setup;
  client.answer = () => answered(503);
  await addEndpoint();
  await append(OPEN_AFTER);
  await until('its breaker is open', () => recorded() === OPEN_AFTER);
  await append(300);
  assert.equal(dispatcher.stats().inMemory, 0);
  await nextProbe(setup);
  assert.equal(client.posts.length, OPEN_AFTER + 1);
  assert.equal((await deliveries()).filter(({ failures }) => failures > 0).length, OPEN_AFTER);
});

test('a backlog is delivered once each after the recovery, at a rate that is bounded and grows', async (t) => {
  const setup = await setUpDispatcher(t);
  const { addEndpoint, append, client, clock, recorded } = setup;
  client.answer = () => answered(503);
  await addEndpoint();
  const ids = await append(500);
  await until('its breaker is open', () => recorded() >= OPEN_AFTER);
  await setup.untilInStore();
  const failed = client.posts.length;
  // Those that failed before are due by then too.
  await clock.advance(HOUR_MS);
  await setup.untilInStore();
  client.answer = () => answered(200);
  const before = client.posts.length;
  assert.ok(before < failed + 25, `${before - failed} probes in an hour`);
  const goal = recorded() + ids.length;
  await until('everything is through', async () => {
    await clock.advance(10);
    return recorded() === goal;
  });
  assertOnceEach(client.posts.slice(before), ids);
  // The first is the probe.
  const [first = 0, ...starts] = client.posts.slice(before).map(({ atMs }) => atMs);
  for (const [i, fromMs] of starts.entries()) {
    const within = starts.slice(i).filter((atMs) => atMs < fromMs + 1_000).length;
    const rate = recoveryRate(fromMs + 1_000 - first);
    const allowed = rate * (1 + RATE_SLACK_MS / 1_000) + 1;
    assert.ok(within <= allowed, `${within} within a second, ${fromMs - first} ms after`);
  }
});

test('posts that hang until their deadline open it as well', async (t) => {
  const setup = await setUpDispatcher(t, { defaults: { concurrency: 5 } });
  const { addEndpoint, append, client, clock, recorded } = setup;
  client.answer = () =>
    new Promise((resolve) => clock.after(15_000, () => resolve(failedWith('timeout'))));
  await addEndpoint();
  await append(100);
  await until('five hang', () => client.posts.length === 5);
  await clock.advance(15_000);
  await until('five more hang', () => client.posts.length === 10);
  await clock.advance(15_000);
  await until('ten are recorded', () => recorded() === OPEN_AFTER);
  // Four had begun when others of the second round had ended, and not the tenth.
  assert.equal(client.posts.length, OPEN_AFTER + 4);
  await until('the rest is given back', () => setup.dispatcher.stats().inMemory === 4);
  await clock.advance(9_999);
  assert.equal(client.posts.length, OPEN_AFTER + 4);
  await until('those have ended, and the probe', async () => {
    await clock.advance(100);
    return recorded() >= OPEN_AFTER + 5;
  });
  assert.equal(client.posts.length, OPEN_AFTER + 5);
});

test('a fault of ours uses up nothing, and opens nothing', async (t) => {
  const setup = await setUpDispatcher(t, { defaults: { ladderMs: [] } });
  const { addEndpoint, append, client, clock, deliveries, untilAll, reports } = setup;
  client.answer = () => failedWith('dns_error');
  await addEndpoint();
  const ids = await append(30);
  await until('all were tried', () => client.posts.length === 30);
  await setup.untilInStore();
  for (const { state, failures, attempts, last_error } of await deliveries()) {
    const expected = { state: 'pending', failures: 0, attempts: 1, last_error: 'dns_error' };
    assert.deepEqual({ state, failures, attempts, last_error }, expected);
  }
  client.answer = () => answered(200);
  await clock.advance(30_000);
  await untilAll('delivered');
  assertOnceEach(client.posts.slice(30), ids);
  assert.deepEqual(reports, []);
});

test('a probe that waits for a free place is not read back again and again', async (t) => {
  const setup = await setUpDispatcher(t, { concurrency: 1 });
  const { addEndpoint, append, client, clock, recorded } = setup;
  client.answer = ({ path }) => (path === '/hang' ? null : answered(503));
  await addEndpoint({ url: 'https://a.example.com/down', eventTypes: ['email.opened'] });
  await addEndpoint({ url: 'https://b.example.com/hang', eventTypes: ['email.bounced'] });
  await append(20, 'email.opened');
  await until('its breaker is open', () => recorded() === OPEN_AFTER);
  await setup.untilInStore();
  await append(1, 'email.bounced');
  await until('the other one hangs', () => client.posts.length === OPEN_AFTER + 1);
  const claims = countClaims(setup);
  await clock.advance(HOUR_MS);
  await until('the probe is in memory', () => setup.dispatcher.stats().inMemory === 2);
  for (let i = 0; i < 500; i++) await turn();
  assert.ok(claims() <= 2, `${claims()} claims`);
  assert.equal(client.posts.length, OPEN_AFTER + 1);
});

test('a probe that waits for the rate limit is not read back again and again', async (t) => {
  const setup = await setUpDispatcher(t);
  const { addEndpoint, append, client, clock, recorded } = setup;
  client.answer = () => answered(503);
  const batch = { maxEvents: 100, maxWaitMs: 1_000, eventTypes: null };
  await addEndpoint({ settings: { ratePerSecond: 1, batch } });
  for (let i = 1; i <= OPEN_AFTER; i++) {
    await append(100);
    await until('the batch was posted', () => recorded() === i * 100);
    if (i < OPEN_AFTER) await clock.advance(100_000);
  }
  await setup.untilInStore();
  const claims = countClaims(setup);
  const { length } = client.posts;
  await clock.advance(99_000);
  for (let i = 0; i < 500; i++) await turn();
  assert.equal(client.posts.length, length);
  assert.ok(claims() <= 2, `${claims()} claims`);
  await clock.advance(1_000);
  await until('the probe is out', () => client.posts.length === length + 1);
  await setup.untilInStore();
});

test('a new URL is tried at once, and what the old one answers says nothing of it', async (t) => {
  const setup = await setUpDispatcher(t);
  const { addEndpoint, append, changeEndpoint, client, clock, recorded, untilAll } = setup;
  client.answer = () => answered(503);
  const endpoint = await addEndpoint({ url: 'https://app.example.com/old' });
  await append(100);
  await until('its breaker is open', () => recorded() >= OPEN_AFTER);
  await setup.untilInStore();
  let answer = (): void => {};
  const gate = new Promise<void>((resolve) => {
    answer = resolve;
  });
  client.answer = ({ path }) => (path === '/new' ? answered(200) : gate.then(() => answered(503)));
  const { length } = client.posts;
  await clock.advance(10_000);
  await until('a probe is under way', () => client.posts.length === length + 1);
  await changeEndpoint(endpoint, { url: 'https://app.example.com/new' });
  await until('the new one gets posts', () => client.posts.length > length + 50);
  answer();
  await until('everything is through', async () => {
    await clock.advance(1_000);
    return setup.dispatcher.stats().inMemory === 0;
  });
  await clock.advance(HOUR_MS);
  await untilAll('delivered');
});

test('410 on many posts at once: the backlog is kept, and it is disabled and reported once', async (t) => {
  const setup = await setUpDispatcher(t, { defaults: { concurrency: 3 } });
  const { addEndpoint, append, client, directory, states, reports } = setup;
  client.answer = () => answered(410);
  const { projectId, id } = await addEndpoint();
  await append(100);
  await until(
    'the endpoint is disabled',
    () => directory.find(projectId, id)?.record.status === 'disabled',
  );
  await setup.untilInStore();
  assert.deepEqual(await states(), { dead: 3, pending: 97 });
  assert.equal(client.posts.length, 3);
  const types = reports.map(({ type }) => type);
  assert.equal(types.filter((type) => type === 'endpoint.disabled').length, 1);
  assert.equal(types.filter((type) => type === 'delivery.exhausted').length, 3);
});

test('410 while the store refuses: the endpoint is disabled by the next probe', async (t) => {
  const setup = await setUpDispatcher(t, { defaults: { concurrency: 1 } });
  const { addEndpoint, append, client, clock, directory, states, store } = setup;
  client.answer = () => answered(410);
  const { projectId, id } = await addEndpoint();
  const { update } = store.endpoints;
  store.endpoints.update = () => Promise.reject(new Error('The database refused a statement.'));
  await append(10);
  await until('one is dead', async () => (await states())['dead'] === 1);
  await setup.untilInStore();
  store.endpoints.update = update;
  assert.equal(directory.find(projectId, id)?.record.status, 'enabled');
  await clock.advance(10_000);
  await until(
    'the endpoint is disabled',
    () => directory.find(projectId, id)?.record.status === 'disabled',
  );
  assert.deepEqual(await states(), { dead: 2, pending: 8 });
});
