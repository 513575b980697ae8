import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../../lib/log.ts';
import { OPEN_AFTER, RATE_SLACK_MS, recoveryRate } from '../../../webhooks/breaker.ts';
import { startEndpointFarm } from '../fixtures/endpoint-farm.ts';
import { createFastClock } from '../fixtures/fast-clock.ts';
import { startInProcessServer } from '../fixtures/in-process-server.ts';
import { postEvents } from '../fixtures/make-events.ts';
import { readList } from '../fixtures/test-client.ts';

/** Half a minute of recovery takes three seconds. */
const FACTOR = 10;
/** Enough to reach the limit: the growing rate alone has let through 1,070 by then. */
const PENDING = 1_500;
const RATE_PER_SECOND = 200;
const CONCURRENCY = 32;

/** How many events a recovery may have started after 0, 1, 2 ... ms, when nothing else limits it. */
function recoveredAfter(ms: number): number[] {
  const events = [1];
  for (let atMs = 0; atMs < ms; atMs += 1) {
    events.push((events[atMs] ?? 0) + recoveryRate(atMs) / 1_000);
  }
  return events;
}

test('after an outage a backlog comes at a growing rate, never above the limit of its endpoint', async (t) => {
  const clock = createFastClock(FACTOR);
  const farm = await startEndpointFarm(t);
  let isOpen = (): void => {};
  const opened = new Promise<void>((resolve) => {
    isOpen = resolve;
  });
  const warn = (_fields: object, text: string): void => {
    if (/from now on it is probed/.test(text)) isOpen();
  };
  const server = await startInProcessServer({}, { clock, log: { ...silentLog, warn } });
  t.after(() => server.stop());
  const { id } = await server.client.post('/v1/endpoints', {
    url: farm.url('down'),
    rate_limit: RATE_PER_SECOND,
    concurrency: CONCURRENCY,
    timeout: '60s',
  });
  farm.answer = () => 503;
  const ids = await postEvents(server.client, PENDING);
  await opened;

  const takenAtMs: number[] = [];
  farm.answer = () => {
    takenAtMs.push(clock.now());
    return 204;
  };
  const refused = farm.posts.length;
  await farm.until('it has everything', () => farm.taken('down').length >= PENDING);
  assert.deepEqual(farm.taken('down').sort(), [...ids].sort(), 'each once');
  assert.ok(refused <= OPEN_AFTER + CONCURRENCY, `${refused} posts while it was down`);

  // Before anything that takes long: the answers of the last ones are still on their way.
  let deliveries = await readList(server.client, `/v1/deliveries?endpoint_id=${id}`);
  while (deliveries.some(({ state }) => state !== 'delivered')) {
    deliveries = await readList(server.client, `/v1/deliveries?endpoint_id=${id}`);
  }
  // A post arrives later than it starts. So up to the concurrency may arrive in a bunch, and no more.
  const slack = CONCURRENCY + (RATE_SLACK_MS * RATE_PER_SECOND) / 1_000 + 1;
  const [firstMs = 0] = takenAtMs;
  const recovered = recoveredAfter((takenAtMs.at(-1) ?? 0) - firstMs + RATE_SLACK_MS);
  takenAtMs.forEach((atMs, i) => {
    const allowed = (recovered[atMs - firstMs + RATE_SLACK_MS] ?? 0) + slack;
    assert.ok(i <= allowed, `${i} events ${atMs - firstMs} ms after the first`);
    const inSecond = takenAtMs.filter((other) => other > atMs - 1_000 && other <= atMs).length;
    assert.ok(inSecond <= RATE_PER_SECOND + slack, `${inSecond} in a second`);
  });

  const refusedIds = new Set(farm.posts.slice(0, refused).flatMap(({ eventIds }) => eventIds));
  const triedAgain = deliveries.filter(
    ({ attempt_count, event_id }) => attempt_count > 1 && !refusedIds.has(event_id),
  );
  assert.deepEqual(triedAgain, [], 'what only waited has used up no attempt');
});
