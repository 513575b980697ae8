import assert from 'node:assert/strict';
import test from 'node:test';
import { encodeSecret, verifyStandardWebhook } from '@posthorn/sdk';
import { until } from '../lib/fixtures/test-clock.ts';
import { newProject } from '../store/projects.ts';
import { answered, assertOnceEach, type SeenPost } from './fixtures/fake-post-client.ts';
import { SECRET, SIGNING_KEY, START_MS } from './fixtures/make-endpoint.ts';
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

test('what was made due again while its endpoint was deleted is canceled', async (t) => {
  const { addEndpoint, append, clock, directory, dispatcher, states, store, untilAll } =
    await setUpDispatcher(t);
  const { projectId, id: endpointId } = await addEndpoint();
  const [eventId = ''] = await append(1);
  await untilAll('delivered');
  await directory.remove(projectId, endpointId, clock.now());
  await until('nothing is left to cancel', async () => (await states())['delivered'] === 1);
  await store.deliveries.requeue({ projectId, eventId, endpointId }, clock.now(), []);
  dispatcher.wake(projectId, endpointId, clock.now());
  await untilAll('canceled');
});

test('what is meant for one endpoint goes to it alone, whatever its filter says', async (t) => {
  const { addEndpoint, appendEvents, client, deliveries, untilAll } = await setUpDispatcher(t);
  await addEndpoint({ url: 'https://a.example.com/all' });
  const { id } = await addEndpoint({ url: 'https://b.example.com/one', eventTypes: ['email.*'] });
  const disabled = await addEndpoint({ status: 'disabled' });
  await appendEvents([{ type: 'system.test', onlyTo: id }]);
  await untilAll('delivered');
  assert.deepEqual(
    client.posts.map(({ path }) => path),
    ['/one'],
  );
  const test = { type: 'system.test' } as const;
  await appendEvents([{ ...test, onlyTo: disabled.id }]);
  await appendEvents([{ ...test, onlyTo: 'ep_of_nobody' }]);
  await appendEvents([{ ...test, onlyTo: id, projectId: 'prj_other' }]);
  const owed = (await deliveries()).map(({ endpoint_id, state }) => [endpoint_id, state]);
  assert.deepEqual(owed, [
    [id, 'delivered'],
    [disabled.id, 'skipped'],
  ]);
});

test('posts carry the endpoint headers and a signature of every key that still signs', async (t) => {
  const { addEndpoint, append, clock, client, untilAll } = await setUpDispatcher(t);
  const old = { ...SIGNING_KEY, id: 'sk_2', secret: encodeSecret(Buffer.alloc(32, 8)) };
  await addEndpoint(
    { settings: { headers: { 'X-Tenant': '7' } } },
    {
      keys: [SIGNING_KEY, { ...old, expiresAtMs: START_MS + HOUR_MS }],
      headers: { Authorization: 'Bearer abc' },
    },
  );
  await append(1);
  await untilAll('delivered');
  await clock.advance(HOUR_MS);
  await append(1);
  await untilAll('delivered');
  const [first, second] = client.posts;
  assert.equal(first?.headers['X-Tenant'], '7');
  assert.equal(first?.headers['Authorization'], 'Bearer abc');
  const verify = (post: SeenPost | undefined, secret: string) => {
    const { body = '', headers = {}, atMs = 0 } = post ?? {};
    return verifyStandardWebhook({ secret, body: Buffer.from(body), headers, nowMs: atMs }).id;
  };
  for (const secret of [SECRET, old.secret]) assert.equal(verify(first, secret), first?.eventId);
  assert.equal(verify(second, SECRET), second?.eventId);
  assert.throws(() => verify(second, old.secret));
});

test('an endpoint of another project with many that hang gets its posts through', async (t) => {
  const { addEndpoint, append, appendEvents, client, dispatcher, store } = await setUpDispatcher(
    t,
    {
      concurrency: 20,
      memoryLimit: 400,
    },
  );
  await store.projects.insert(newProject('prj_other', 'other', START_MS), []);
  client.answer = ({ path }) => (path === '/well' ? answered(200) : null);
  for (let i = 0; i < 30; i++) await addEndpoint({ url: `https://a.example.com/hang${i}` });
  const url = 'https://b.example.com/well';
  await addEndpoint({ projectId: 'prj_other', url });
  await append(30);
  await until('they take what they may', () => dispatcher.stats().inFlight === 15);
  const well = (): number => client.posts.filter(({ path }) => path === '/well').length;
  await appendEvents(Array.from({ length: 200 }, () => ({ projectId: 'prj_other' })));
  await until('the other project is through', () => well() === 200);
  assert.equal(dispatcher.stats().inFlight, 15);
});
