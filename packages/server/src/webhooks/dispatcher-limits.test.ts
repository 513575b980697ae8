import assert from 'node:assert/strict';
import test from 'node:test';
import { turn, until } from '../lib/fixtures/test-clock.ts';
import { answered, assertOnceEach, failedWith } from './fixtures/fake-post-client.ts';
import { START_MS } from './fixtures/make-endpoint.ts';
import { setUpDispatcher } from './fixtures/set-up-dispatcher.ts';
import type { PostResult } from './post/post-result.ts';

test('what finds its lane full waits in the store, and everything arrives once each', async (t) => {
  const { addEndpoint, append, client, dispatcher, untilAll } = await setUpDispatcher(t, {
    memoryLimit: 60,
    concurrency: 4,
    defaults: { concurrency: 2 },
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
  assert.equal(client.posts.filter((post) => post.path === '/hang').length, 3);
});

test('many endpoints that hang share what there is, and one that answers gets its part', async (t) => {
  const { addEndpoint, append, clock, client, assertHeldAsStored } = await setUpDispatcher(t, {
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
  await until('the one that answers got all', async () => {
    await assertHeldAsStored();
    // A lane that found the memory full looks again.
    await clock.advance(100);
    return well() === 300;
  });
  // Before the next round, so it did not live on what that gave away.
  assert.ok(clock.now() - START_MS < 30_000, `${clock.now() - START_MS} ms`);
});

test('fresh events and retries take turns, whichever there are more of', async (t) => {
  const { addEndpoint, append, clock, client, recorded, untilRecorded, untilAll } =
    await setUpDispatcher(t, { defaults: { ladderMs: [60_000, 60_000], concurrency: 1 } });
  await addEndpoint();
  // Every second one, since many in a row would open the breaker.
  const retried = new Set<string>();
  client.answer = ({ eventId }) => {
    if (client.posts.length % 2 === 0) return answered(200);
    retried.add(eventId);
    return answered(500);
  };
  await append(800);
  await untilRecorded(800);

  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  client.answer = () => gate.then(() => answered(200));
  await clock.advance(60_000);
  await until('a retry is under way', () => client.posts.length === 801);
  await append(400);
  const before = recorded();
  open();
  await until('the first hundred are through', () => recorded() >= before + 100);
  const hundred = client.posts.slice(801, 901);
  const retries = hundred.filter((post) => retried.has(post.eventId)).length;
  assert.equal(retries, 25);
  await untilAll('delivered');
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
