import assert from 'node:assert/strict';
import test from 'node:test';
import { until } from '../lib/fixtures/test-clock.ts';
import { answered, assertOnceEach } from './fixtures/fake-post-client.ts';
import { START_MS } from './fixtures/make-endpoint.ts';
import { setUpDispatcher } from './fixtures/set-up-dispatcher.ts';

const HOUR_MS = 3_600_000;

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
  const { addEndpoint, append, clock, client, changeEndpoint, states, untilRecorded, untilAll } =
    await setUpDispatcher(t, { defaults: { concurrency: 2 } });
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  client.answer = () => gate.then(() => answered(500));
  const endpoint = await addEndpoint();
  const eventIds = await append(10);
  await until('two posts are under way', () => client.posts.length === 2);
  await changeEndpoint(endpoint, { status: 'disabled', disabledReason: 'By hand.' });
  release();
  await untilRecorded(2);
  await clock.advance(HOUR_MS);
  assert.equal(client.posts.length, 2);
  assert.deepEqual(await states(), { pending: 10 });

  client.answer = () => answered(200);
  await changeEndpoint(endpoint, { status: 'enabled', disabledReason: null });
  await untilAll('delivered');
  assertOnceEach(client.posts.slice(2), eventIds);
});

test('a disabled endpoint keeps nothing in memory, so that it takes no room from others', async (t) => {
  const { addEndpoint, append, client, changeEndpoint, dispatcher, recorded } =
    await setUpDispatcher(t, { memoryLimit: 20, defaults: { concurrency: 1 } });
  client.answer = () => null;
  const stuck = await addEndpoint({ eventTypes: ['email.bounced'] });
  await append(40, 'email.bounced');
  await until('a post hangs', () => client.posts.length === 1);
  await changeEndpoint(stuck, { status: 'disabled', disabledReason: 'By hand.' });
  await until('only the post under way is held', () => dispatcher.stats().inMemory === 1);

  client.answer = () => answered(200);
  await addEndpoint({ eventTypes: ['email.opened'] });
  const opened = await append(100, 'email.opened');
  await until('the other endpoint got all', () => recorded() === opened.length);
});

test('deleting an endpoint cancels what waits for it, in memory and in the store', async (t) => {
  const { addEndpoint, append, client, directory, states, dispatcher } = await setUpDispatcher(t, {
    defaults: { concurrency: 2 },
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
