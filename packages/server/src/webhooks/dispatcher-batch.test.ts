import assert from 'node:assert/strict';
import test from 'node:test';
import type { CanonicalEvent } from '@posthorn/sdk';
import { decodeAttemptTrace } from '../core/webhooks/attempt-trace.ts';
import { turn, until } from '../lib/fixtures/test-clock.ts';
import { answered, type SeenPost } from './fixtures/fake-post-client.ts';
import { PROJECT } from './fixtures/make-endpoint.ts';
import { setUpDispatcher } from './fixtures/set-up-dispatcher.ts';

const BATCH = { maxEvents: 10, maxWaitMs: 2_000, eventTypes: null };

/** The events in a post that holds an array. */
function idsIn(post: SeenPost | undefined): string[] {
  const events: CanonicalEvent[] = JSON.parse(post?.body ?? '');
  return events.map(({ id }) => id);
}

test('a batch goes when it is full, and what is left when it has waited', async (t) => {
  const { addEndpoint, untilInStore, append, client, clock, untilAll } = await setUpDispatcher(t);
  await addEndpoint({ settings: { batch: BATCH } });
  await untilInStore();
  const ids = await append(24);
  await until('two full ones are out', () => client.posts.length === 2);
  await clock.advance(1_999);
  assert.equal(client.posts.length, 2);
  await clock.advance(1);
  await untilAll('delivered');
  assert.deepEqual(
    client.posts.map((post) => idsIn(post).length),
    [10, 10, 4],
  );
  assert.deepEqual(client.posts.flatMap(idsIn).sort(), ids);
});

test('types that do not go in batches go singly and at once', async (t) => {
  const { addEndpoint, untilInStore, append, client, clock, untilAll } = await setUpDispatcher(t);
  await addEndpoint({ settings: { batch: { ...BATCH, eventTypes: ['email.opened'] } } });
  await untilInStore();
  await append(3, 'email.opened');
  const bounced = await append(2, 'email.bounced');
  await until('the single ones are out', () => client.posts.length === 2);
  assert.deepEqual(client.posts.map(({ eventId }) => eventId).sort(), bounced);
  await clock.advance(2_000);
  await untilAll('delivered');
  assert.equal(idsIn(client.posts[2]).length, 3);
});

test('a batch that failed goes again as the same batch, and each delivery has both attempts', async (t) => {
  const {
    addEndpoint,
    untilInStore,
    append,
    client,
    clock,
    store,
    untilAll,
    untilRecorded,
    deliveries,
  } = await setUpDispatcher(t);
  await addEndpoint({ settings: { batch: BATCH } });
  await untilInStore();
  client.answer = () => answered(503);
  // Of every urgency, which are read back by a claim each.
  const ids = [
    ...(await append(3, 'email.opened')),
    ...(await append(2, 'email.bounced')),
    ...(await append(2)),
  ];
  await clock.advance(2_000);
  await untilRecorded(7);
  client.answer = () => answered(200);
  await clock.advance(5_000);
  await untilAll('delivered');
  const [first, second, ...more] = client.posts;
  assert.deepEqual(more, []);
  assert.deepEqual(idsIn(first), ids);
  assert.equal(second?.body, first?.body);
  assert.match(first?.eventId ?? '', /^bat_/);
  assert.equal(second?.eventId, first?.eventId);
  for (const { attempts, failures } of await deliveries())
    assert.deepEqual([attempts, failures], [2, 0]);
  const attempts = await store.deliveries.attempts(PROJECT, ids);
  assert.equal(attempts.length, 14);
  for (const { trace } of attempts)
    assert.equal(decodeAttemptTrace(trace ?? '').sharedId, first?.eventId);
});

test('of a batch whose ladder has ended each delivery is dead, and reported', async (t) => {
  const { addEndpoint, untilInStore, append, client, clock, untilAll, reports } =
    await setUpDispatcher(t, {
      defaults: { ladderMs: [] },
    });
  await addEndpoint({ settings: { batch: BATCH } });
  await untilInStore();
  client.answer = () => answered(400);
  const ids = await append(3);
  await clock.advance(2_000);
  await untilAll('dead');
  assert.deepEqual(
    reports.map(({ data }) => data.exhausted?.event_id),
    ids,
  );
});

test('a stop gives back what waits for its batch, and the next process need not wait again', async (t) => {
  const first = await setUpDispatcher(t);
  await first.addEndpoint({ settings: { batch: BATCH } });
  await first.untilInStore();
  const ids = await first.append(3);
  await turn();
  assert.equal(first.dispatcher.stats().inMemory, 3);
  await first.dispatcher.stop(1_000);
  await first.engine.close();
  const second = await setUpDispatcher(t, { folder: first.folder, clock: first.clock });
  await second.untilAll('delivered');
  assert.deepEqual(second.client.posts.flatMap(idsIn), ids);
});

const open = {
  message: 'msg_1',
  type: 'email.opened',
  data: { recipient: 'x@example.com' },
} as const;

test('opens that repeat within the time go as one that counts them, and each is delivered', async (t) => {
  const { addEndpoint, untilInStore, appendEvents, client, clock, untilAll, deliveries } =
    await setUpDispatcher(t);
  await addEndpoint({ settings: { coalesceMs: 60_000 } });
  await untilInStore();
  const ids = await appendEvents([open]);
  await clock.advance(30_000);
  ids.push(...(await appendEvents([open, open])));
  const [other = ''] = await appendEvents([{ ...open, message: 'msg_2' }]);
  const [bounced = ''] = await appendEvents([{ ...open, type: 'email.bounced' }]);
  await until('what is no open goes at once', () => client.posts.length === 1);
  assert.equal(client.posts[0]?.eventId, bounced);
  await clock.advance(30_000);
  await until('those that are alike are out', () => client.posts.length === 2);
  const event: CanonicalEvent = JSON.parse(client.posts[1]?.body ?? '');
  assert.equal(event.id, ids[0]);
  assert.deepEqual((event.data as { coalesced?: unknown }).coalesced, {
    count: 3,
    last_at: '2026-11-20T10:00:30.000Z',
    event_ids: ids,
  });
  await clock.advance(30_000);
  await untilAll('delivered');
  assert.equal(client.posts[2]?.eventId, other);
  assert.ok((await deliveries()).every(({ attempts }) => attempts === 1));
});

test('what went as one goes as one again when it failed', async (t) => {
  const { addEndpoint, untilInStore, appendEvents, client, clock, untilAll, untilRecorded } =
    await setUpDispatcher(t);
  await addEndpoint({ settings: { coalesceMs: 1_000 } });
  await untilInStore();
  client.answer = () => answered(500);
  await appendEvents([open, open, open]);
  await clock.advance(1_000);
  await untilRecorded(3);
  client.answer = () => answered(200);
  await clock.advance(5_000);
  await untilAll('delivered');
  const [first, second, ...more] = client.posts;
  assert.deepEqual(more, []);
  assert.equal(second?.body, first?.body);
  assert.equal(second?.eventId, first?.eventId);
});
