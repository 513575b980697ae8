import assert from 'node:assert/strict';
import test from 'node:test';
import { until } from '../lib/fixtures/test-clock.ts';
import type { UnreliableEngine } from '../store/fixtures/unreliable-engine.ts';
import { answered, assertOnceEach, type SeenPost } from './fixtures/fake-post-client.ts';
import { setUpDispatcher } from './fixtures/set-up-dispatcher.ts';
import type { PostResult } from './post/post-result.ts';

type Setup = Awaited<ReturnType<typeof setUpDispatcher>>;

const LADDER_MS = [5_000, 20_000];

/** The events in a post, in its order. */
function eventsIn(post: SeenPost): string[] {
  const body = JSON.parse(post.body);
  return Array.isArray(body) ? body.map(({ id }) => id) : [body.id];
}

/** Keeps book of what has ended, as it is handed to the store. */
function watchEnds(engine: UnreliableEngine): Set<string> {
  const ended = new Set<string>();
  const { recordAttempt } = engine;
  engine.recordAttempt = (attempt) => {
    if (attempt.next.state !== 'pending') ended.add(attempt.eventId);
    return recordAttempt(attempt);
  };
  return ended;
}

/**
 * Answers what `decide` says, and fails when an event is posted before all that stand in front of it
 * in their line have ended.
 */
function watchOrder(
  { engine, client }: Setup,
  lines: ReadonlyMap<string, string[]>,
  decide: (eventIds: readonly string[]) => PostResult,
): void {
  const ended = watchEnds(engine);
  client.answer = (post) => {
    const ids = eventsIn(post);
    for (const line of lines.values()) {
      const places = ids.map((id) => line.indexOf(id)).filter((place) => place !== -1);
      for (const [i, place] of places.entries()) {
        const before = line.slice(0, place).filter((id) => !ended.has(id));
        assert.deepEqual(before, i === 0 ? [] : line.slice(places[0], place));
      }
    }
    return decide(ids);
  };
}

/** Turns the clock from one thing to do to the next until everything has ended. */
async function runDown({ clock, states, assertHeldAsStored }: Setup): Promise<void> {
  const isPending = async () => ((await states())['pending'] ?? 0) > 0;
  while (await isPending()) {
    await assertHeldAsStored();
    await until(
      'somebody will look',
      async () => clock.nextAtMs() !== null || !(await isPending()),
    );
    await clock.advance((clock.nextAtMs() ?? clock.now()) - clock.now());
  }
}

/** The same every time, and without a pattern. */
function createChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('of a message no later event goes before the earlier ones have ended, whatever fails', async (t) => {
  for (const seed of [1, 2]) {
    const setup = await setUpDispatcher(t, { defaults: { ladderMs: LADDER_MS } });
    const { addEndpoint, appendEvents, clock, states } = setup;
    const chance = createChance(seed);
    const lines = new Map<string, string[]>();
    watchOrder(setup, lines, () => answered(chance() < 0.5 ? 500 : 200));
    await addEndpoint({ settings: { order: 'per-message' } });
    for (let i = 0; i < 30; i++) {
      const messages = Array.from({ length: 5 }, () => `msg_${Math.floor(chance() * 6)}`);
      const ids = await appendEvents(messages.map((message) => ({ message })));
      for (const [at, message] of messages.entries()) {
        lines.set(message, [...(lines.get(message) ?? []), ids[at] ?? '']);
      }
      await clock.advance(Math.floor(chance() * 4_000));
    }
    await runDown(setup);
    const { delivered = 0, dead = 0 } = await states();
    assert.equal(delivered + dead, 150);
    assert.ok(dead > 0 && delivered > dead, `${dead} of 150 dead`);
  }
});

test('a message whose event waits for its next try holds up no other message', async (t) => {
  const setup = await setUpDispatcher(t);
  const { addEndpoint, appendEvents, clock, client, recorded } = setup;
  await addEndpoint({ settings: { order: 'per-message' } });
  client.answer = () => answered(client.posts.length === 1 ? 500 : 200);
  const [first = '', second = '', third = ''] = await appendEvents(
    ['msg_1', 'msg_1', 'msg_2'].map((message) => ({ message })),
  );
  await until('both messages were tried', () => recorded() === 2);
  // An event that comes later stands behind those that wait; one of no message behind nobody.
  const [fourth = '', fifth = ''] = await appendEvents([{ message: 'msg_1' }, {}]);
  await until('the one without a message is through', () => recorded() === 3);
  assert.deepEqual(client.posts.map(({ eventId }) => eventId).sort(), [first, third, fifth].sort());
  client.answer = () => answered(200);
  await clock.advance(5_000);
  await until('the line is through', () => recorded() === 6);
  assert.deepEqual(
    client.posts.slice(3).map(({ eventId }) => eventId),
    [first, second, fourth],
  );
});

test('an endpoint that wants everything in order gets one post at a time', async (t) => {
  const setup = await setUpDispatcher(t, { defaults: { ladderMs: LADDER_MS } });
  const { addEndpoint, append, client, dispatcher, states } = setup;
  const chance = createChance(7);
  const line: string[] = [];
  let most = 0;
  watchOrder(setup, new Map([['all', line]]), () => {
    most = Math.max(most, dispatcher.stats().inFlight);
    return answered(chance() < 0.4 ? 500 : 200);
  });
  await addEndpoint({ settings: { order: 'per-endpoint' } });
  // More than come along with the first of a line at once.
  for (let i = 0; i < 2; i++) line.push(...(await append(45)));
  await runDown(setup);
  assert.equal(most, 1);
  assert.equal((await states())['pending'], undefined);
  const firstTries = [...new Set(client.posts.map(({ eventId }) => eventId))];
  assert.deepEqual(firstTries, line);
});

test('behind one that is given up the next one goes on', async (t) => {
  const { addEndpoint, append, client, states, recorded } = await setUpDispatcher(t, {
    defaults: { ladderMs: [] },
  });
  await addEndpoint({ settings: { order: 'per-endpoint' } });
  client.answer = () => answered(client.posts.length === 1 ? 500 : 200);
  const ids = await append(3);
  await until('all have ended', () => recorded() === 3);
  assert.deepEqual(await states(), { dead: 1, delivered: 2 });
  assert.deepEqual(
    client.posts.map(({ eventId }) => eventId),
    ids,
  );
});

test('a restart in the middle of a line keeps its order', async (t) => {
  const first = await setUpDispatcher(t);
  await first.addEndpoint({ settings: { order: 'per-endpoint' } });
  first.client.answer = () => (first.client.posts.length < 4 ? answered(200) : null);
  const ids = await first.append(10);
  await until('the fourth hangs', () => first.client.posts.length === 4);
  await until('three are through', () => first.recorded() === 3);
  const stopped = first.dispatcher.stop(1_000);
  await first.clock.advance(1_000);
  await stopped;
  await first.engine.close();

  const second = await setUpDispatcher(t, { folder: first.folder, clock: first.clock });
  await second.untilAll('delivered');
  assert.deepEqual(
    second.client.posts.map(({ eventId }) => eventId),
    ids.slice(3),
  );
});

test('a crash in the middle of a line keeps its order', async (t) => {
  const first = await setUpDispatcher(t);
  await first.addEndpoint({ settings: { order: 'per-endpoint' } });
  first.client.answer = () => (first.client.posts.length < 4 ? answered(200) : null);
  const ids = await first.append(10);
  await until('the fourth hangs', () => first.client.posts.length === 4);
  await until('three are through', () => first.recorded() === 3);
  await first.engine.close();

  const second = await setUpDispatcher(t, { folder: first.folder, clock: first.clock });
  assert.equal(second.released, 7);
  await second.untilAll('delivered');
  assert.deepEqual(
    second.client.posts.map(({ eventId }) => eventId),
    ids.slice(3),
  );
});

test('a line that could not be given back while the store was down goes on all the same', async (t) => {
  const setup = await setUpDispatcher(t);
  const { addEndpoint, append, clock, client, engine, recorded, untilAll } = setup;
  const { assertHeldAsStored } = setup;
  let fail = (): void => {};
  const failure = new Promise<void>((resolve) => {
    fail = resolve;
  });
  client.answer = () => failure.then(() => answered(500));
  await addEndpoint({ settings: { order: 'per-endpoint' } });
  const ids = await append(5);
  await until('the first is under way', () => client.posts.length === 1);
  engine.fail();
  fail();
  await until('its result is held', () => engine.heldResults() === 1);
  await clock.advance(10_500);
  client.answer = () => answered(200);
  engine.recover();
  // Its next try comes at once, and ends before the line behind it is back in the store.
  await until('it is through', () => recorded() === 2);
  await assertHeldAsStored();
  await clock.advance(1_000);
  await untilAll('delivered');
  assertOnceEach(client.posts.slice(1), ids);
});

test('in order and in batches: what fails goes again as it was, and nothing overtakes it', async (t) => {
  for (const order of ['per-endpoint', 'per-message'] as const) {
    const setup = await setUpDispatcher(t, { defaults: { ladderMs: [5_000, 5_000, 5_000] } });
    const { addEndpoint, appendEvents, clock, client, states } = setup;
    const chance = createChance(11);
    const lines = new Map<string, string[]>();
    watchOrder(setup, lines, () => answered(chance() < 0.4 ? 500 : 200));
    const batch = { maxEvents: 8, maxWaitMs: 500, eventTypes: null };
    await addEndpoint({ settings: { order, batch } });
    for (let i = 0; i < 10; i++) {
      const messages = Array.from({ length: 10 }, (_, n) => `msg_${n % 3}`);
      const ids = await appendEvents(messages.map((message) => ({ message })));
      for (const [at, message] of messages.entries()) {
        const key = order === 'per-message' ? message : '';
        lines.set(key, [...(lines.get(key) ?? []), ids[at] ?? '']);
      }
      await clock.advance(Math.floor(chance() * 2_000));
    }
    await runDown(setup);
    const { delivered = 0, dead = 0 } = await states();
    assert.equal(delivered + dead, 100);
    assert.ok(client.posts.every((post) => eventsIn(post).length <= 8));
    assert.ok(client.posts.some((post) => eventsIn(post).length === 8));
  }
});

test('a batch that wants order gathers as long as it may, and then goes with all that came', async (t) => {
  for (const order of ['per-endpoint', 'per-message'] as const) {
    const { addEndpoint, appendEvents, clock, client, untilInStore, untilAll } =
      await setUpDispatcher(t);
    const batch = { maxEvents: 100, maxWaitMs: 1_000, eventTypes: ['email.delivered'] };
    await addEndpoint({ settings: { order, batch } });
    await untilInStore();
    const ids: string[] = [];
    for (let i = 0; i < 10; i++) {
      ids.push(...(await appendEvents([{ message: `msg_${i % 3}` }])));
      await clock.advance(90);
    }
    assert.equal(client.posts.length, 0);
    await clock.advance(100);
    await untilAll('delivered');
    assert.equal(client.posts.length, 1);
    assert.deepEqual(client.posts.flatMap(eventsIn).sort(), ids);
    // What goes singly waits for nobody.
    await appendEvents([{ message: 'msg_9', type: 'email.bounced' }]);
    await untilAll('delivered');
    assert.equal(client.posts.length, 2);
  }
});

test('one of a batch whose result is stored late goes on although the first has ended meanwhile', async (t) => {
  const setup = await setUpDispatcher(t, { defaults: { ladderMs: [2_000] } });
  const { addEndpoint, append, clock, client, engine, untilInStore, untilAll, recorded } = setup;
  const { assertHeldAsStored } = setup;
  const batch = { maxEvents: 2, maxWaitMs: 1_000, eventTypes: null };
  await addEndpoint({ settings: { order: 'per-endpoint', batch } });
  await untilInStore();
  const { recordAttempt } = engine;
  let late = (): void => {};
  engine.recordAttempt = (attempt) =>
    attempt.next.state !== 'pending' || attempt.next.dueAtMs !== null
      ? recordAttempt(attempt)
      : new Promise((resolve, reject) => {
          late = () => recordAttempt(attempt).then(resolve, reject);
        });
  client.answer = () => answered(500);
  await append(2);
  await clock.advance(1_000);
  await until('the first result of both is stored', () => recorded() === 1);
  client.answer = () => answered(200);
  await clock.advance(2_000);
  await until('the first is through', () => recorded() === 2);
  // It has looked for the next one, which is still held.
  await assertHeldAsStored();
  late();
  await untilAll('delivered');
});
