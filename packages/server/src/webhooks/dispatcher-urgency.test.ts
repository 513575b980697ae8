import assert from 'node:assert/strict';
import test from 'node:test';
import type { EventType } from '@posthorn/sdk';
import { until } from '../lib/fixtures/test-clock.ts';
import { answered, type SeenPost } from './fixtures/fake-post-client.ts';
import { setUpDispatcher } from './fixtures/set-up-dispatcher.ts';

const typeOf = ({ body }: SeenPost): EventType => JSON.parse(body).type;

const countOf = (posts: readonly SeenPost[], type: EventType): number =>
  posts.filter((post) => typeOf(post) === type).length;

/** Answers wait until they are let go. */
function createGate(): { open: () => void; passed: Promise<void> } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

test('in memory, a bounce overtakes the opens that wait, and they are not stopped by a flood of bounces', async (t) => {
  const { addEndpoint, append, client, untilAll } = await setUpDispatcher(t, {
    defaults: { concurrency: 1 },
  });
  const gate = createGate();
  client.answer = () => gate.passed.then(() => answered(200));
  await addEndpoint();
  await append(200, 'email.opened');
  await append(200, 'email.delivered');
  await append(200, 'email.bounced');
  gate.open();
  await untilAll('delivered');
  // The first had begun when nothing else was there.
  const posts = client.posts.slice(1);
  const flood = posts.slice(0, 160);
  assert.equal(countOf(flood, 'email.bounced'), 140);
  assert.equal(countOf(flood, 'email.opened'), 10);
  assert.equal(countOf(flood, 'email.delivered'), 10);
});

test('in the store, a bounce overtakes a backlog of opens that does not fit into memory', async (t) => {
  const { addEndpoint, append, client, untilAll, dispatcher } = await setUpDispatcher(t, {
    defaults: { concurrency: 1 },
    memoryLimit: 40,
  });
  const gate = createGate();
  client.answer = () => gate.passed.then(() => answered(200));
  await addEndpoint();
  await append(1_000, 'email.opened');
  await append(20, 'email.bounced');
  assert.ok(dispatcher.stats().inMemory < 40);
  gate.open();
  await untilAll('delivered');
  const last = client.posts.findLastIndex((post) => typeOf(post) === 'email.bounced');
  // Behind what was in memory already, and a turn now and then.
  assert.ok(last < 100, `${last}`);
});

test('a flood of bounces in the store leaves turns to opens', async (t) => {
  const { addEndpoint, append, client, untilAll } = await setUpDispatcher(t, {
    defaults: { concurrency: 1 },
    memoryLimit: 40,
  });
  const gate = createGate();
  client.answer = () => gate.passed.then(() => answered(200));
  await addEndpoint();
  await append(800, 'email.bounced');
  await append(20, 'email.opened');
  gate.open();
  await untilAll('delivered');
  const first = client.posts.findIndex((post) => typeOf(post) === 'email.opened');
  assert.ok(first < 400, `${first}`);
});

test('a rate limit holds over a minute, for retries and fresh events together', async (t) => {
  const { addEndpoint, append, clock, client } = await setUpDispatcher(t, {
    defaults: { ladderMs: [5_000, 5_000] },
  });
  client.answer = () => answered(client.posts.length % 3 === 0 ? 500 : 200);
  await addEndpoint({ settings: { ratePerSecond: 7 } });
  for (let second = 0; second < 60; second++) {
    await append(10);
    for (let i = 0; i < 100; i++) await clock.advance(10);
  }
  const times = client.posts.map(({ atMs }) => atMs);
  for (const [i, fromMs] of times.entries()) {
    const within = times.slice(i).filter((atMs) => atMs <= fromMs + 1_000).length;
    assert.ok(within <= 8, `${within} within a second`);
  }
  // And it is used: what is allowed goes.
  assert.ok(
    times.length > 60 * 7 * 0.9 && times.length <= 60 * 7 + 1,
    `${times.length} in a minute`,
  );
});

test('a rate limit counts the events of a batch', async (t) => {
  const { addEndpoint, append, clock, client, untilAll } = await setUpDispatcher(t);
  const batch = { maxEvents: 20, maxWaitMs: 1_000, eventTypes: null };
  await addEndpoint({ settings: { ratePerSecond: 10, batch } });
  await append(100);
  await until('the first batch is out', () => client.posts.length === 1);
  for (let i = 0; i < 1_000; i++) await clock.advance(10);
  await untilAll('delivered');
  const [first = 0] = client.posts.map(({ atMs }) => atMs);
  const waits = client.posts.map(({ atMs }) => Math.round((atMs - first) / 1_000));
  assert.deepEqual(waits, [0, 2, 4, 6, 8]);
});
