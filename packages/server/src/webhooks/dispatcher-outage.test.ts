import assert from 'node:assert/strict';
import test from 'node:test';
import { turn, until } from '../lib/fixtures/test-clock.ts';
import { OPEN_AFTER, RECOVERY_MS, recoveryRate } from './breaker.ts';
import { answered } from './fixtures/fake-post-client.ts';
import { setUpDispatcher } from './fixtures/set-up-dispatcher.ts';
import { createRandom } from './simulation/random.ts';

const RUNG_MS = 300_000;
/** Of a wait, to either side: what docs/delivery.md promises. */
const JITTER = 0.2;
const FAILED = 2_000;
const BINS = 20;

test('what failed together becomes due all over the jitter, without a peak', async (t) => {
  const { addEndpoint, append, clock, client, untilRecorded, deliveries } = await setUpDispatcher(
    t,
    { defaults: { ladderMs: [RUNG_MS] }, random: createRandom(1).next },
  );
  // Every second one fails, so that the breaker has nothing to say.
  client.answer = () => answered(client.posts.length % 2 === 0 ? 503 : 204);
  await addEndpoint();
  await append(FAILED * 2);
  await untilRecorded(FAILED * 2);
  const failed = (await deliveries()).filter(({ state }) => state === 'pending');
  assert.equal(failed.length, FAILED);

  const earliestMs = clock.now() + RUNG_MS * (1 - JITTER);
  const binMs = (2 * JITTER * RUNG_MS) / BINS;
  const histogram = Array.from({ length: BINS }, () => 0);
  for (const { due_at } of failed) {
    const bin = Math.min(BINS - 1, Math.floor(((due_at ?? 0) - earliestMs) / binMs));
    histogram[bin] = (histogram[bin] ?? Number.NaN) + 1;
  }
  for (const count of histogram) {
    // Five standard deviations of chance are half of what there is on average.
    assert.ok(count > 50 && count < 150, `due in equal times: ${histogram}`);
  }
});

test('a backlog of twenty thousand does not fall on an endpoint that has just got up', async (t) => {
  const pending = 20_000;
  const { addEndpoint, append, clock, client, engine, recorded } = await setUpDispatcher(t, {
    random: createRandom(2).next,
  });
  client.answer = () => answered(503);
  await addEndpoint();
  for (let i = 0; i < pending; i += 1_000) await append(1_000);
  await until('its breaker is open', () => recorded() >= OPEN_AFTER);
  await clock.advance(3_600_000);
  // Those that were under way when it opened, then a probe each five minutes at most.
  assert.ok(client.posts.length < 100, `${client.posts.length} posts in an hour`);

  client.answer = () => answered(204);
  const before = client.posts.length;
  const isRecovering = (): boolean => {
    const first = client.posts[before];
    return first === undefined || clock.now() - first.atMs < RECOVERY_MS;
  };
  while (isRecovering()) {
    await clock.advance(100);
    // Claims and results that are on their way are through before this is.
    await engine.commit({ events: [], statements: [] });
    await turn();
  }
  const [first, ...rest] = client.posts.slice(before);
  assert.equal(new Set(rest.map(({ eventId }) => eventId)).size, rest.length, 'each once');
  for (let sinceMs = 0; sinceMs < RECOVERY_MS; sinceMs += 1_000) {
    const fromMs = (first?.atMs ?? 0) + sinceMs;
    const count = rest.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + 1_000).length;
    const rate = recoveryRate(sinceMs);
    assert.ok(count <= rate * 1.1 && count >= rate * 0.8, `${count} events after ${sinceMs} ms`);
  }
});
