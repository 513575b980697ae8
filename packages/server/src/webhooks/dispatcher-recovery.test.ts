import assert from 'node:assert/strict';
import test from 'node:test';
import { until } from '../lib/fixtures/test-clock.ts';
import { answered, assertOnceEach } from './fixtures/fake-post-client.ts';
import { setUpDispatcher } from './fixtures/set-up-dispatcher.ts';

const HOUR_MS = 3_600_000;

test('a store that takes no work stops attempts, loses no result, and all goes on afterwards', async (t) => {
  const { addEndpoint, append, clock, engine, client, states, recorded, untilAll } =
    await setUpDispatcher(t, { defaults: { concurrency: 2 }, memoryLimit: 10 });
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

test('stop lets posts under way end, gives the rest back, and the next process delivers just that', async (t) => {
  const first = await setUpDispatcher(t, { defaults: { concurrency: 3 }, memoryLimit: 20 });
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
  const first = await setUpDispatcher(t, { defaults: { concurrency: 5 }, memoryLimit: 20 });
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

test('a line that could not be given back is given back by a stop', async (t) => {
  const setup = await setUpDispatcher(t);
  const { addEndpoint, append, clock, client, engine, deliveries, dispatcher } = setup;
  let fail = (): void => {};
  const failure = new Promise<void>((resolve) => {
    fail = resolve;
  });
  client.answer = () => failure.then(() => answered(500));
  await addEndpoint({ settings: { order: 'per-endpoint' } });
  await append(5);
  await until('the first is under way', () => client.posts.length === 1);
  engine.fail();
  fail();
  await until('its result is held', () => engine.heldResults() === 1);
  await clock.advance(500);
  engine.recover();
  await dispatcher.stop(10_000);
  assert.ok((await deliveries()).every(({ node }) => node === null));
  assert.equal(dispatcher.stats().inMemory, 0);
});
