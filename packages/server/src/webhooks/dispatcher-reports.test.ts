import assert from 'node:assert/strict';
import test from 'node:test';
import type { CanonicalEvent } from '@posthorn/sdk';
import { until } from '../lib/fixtures/test-clock.ts';
import { answered, type FakePostClient, failedWith } from './fixtures/fake-post-client.ts';
import { setUpDispatcher } from './fixtures/set-up-dispatcher.ts';

type Setup = Awaited<ReturnType<typeof setUpDispatcher>>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The events that were posted to a path, in order. */
const eventsTo = (client: FakePostClient, path: string): CanonicalEvent[] =>
  client.posts.filter((post) => post.path === path).map(({ body }) => JSON.parse(body));

/** Two endpoints of which the first is down and both want everything. */
async function addPair({ addEndpoint }: Setup, settings = {}) {
  const down = await addEndpoint({ url: 'https://a.example.com/down', settings });
  const well = await addEndpoint({ url: 'https://b.example.com/well' });
  return { down, well };
}

test('a delivery that is given up is reported once, to the others, with its last error', async (t) => {
  const setup = await setUpDispatcher(t, { publishing: true, defaults: { ladderMs: [5_000] } });
  const { append, client, clock, reports, untilRecorded, untilInStore } = setup;
  client.answer = ({ path }) => answered(path === '/down' ? 500 : 200);
  const { down } = await addPair(setup);
  const [eventId = ''] = await append(1);
  await untilRecorded(2);
  assert.deepEqual(reports, []);
  await clock.advance(5_000);
  // The attempt, and that the other endpoint was told of it.
  await untilRecorded(4);
  await untilInStore();
  assert.equal(reports.length, 1);
  const [, told, ...more] = eventsTo(client, '/well');
  assert.deepEqual(more, []);
  assert.equal(told?.type, 'delivery.exhausted');
  assert.deepEqual(told?.data.exhausted, {
    event_id: eventId,
    event_type: 'email.delivered',
    endpoint_id: down.id,
    delivery_id: `dlv_${eventId.slice(4)}_${down.id.slice(3)}`,
    attempts: 2,
    last_error: { code: 'http_status', detail: 'The endpoint answered 500.', status: 500 },
  });
  assert.deepEqual(told?.data.tags, ['bücher']);
  assert.equal(eventsTo(client, '/down').length, 2);
});

test('what is said about endpoints and deliveries is delivered as all else, and nothing is said of that', async (t) => {
  const setup = await setUpDispatcher(t, { publishing: true, defaults: { ladderMs: [] } });
  const { append, client, reports, states, untilRecorded, untilInStore } = setup;
  client.answer = () => answered(500);
  await addPair(setup);
  await append(1);
  // The event is dead for both; of each the other one is told, in vain.
  await untilRecorded(4);
  await untilInStore();
  assert.deepEqual(
    reports.map(({ type }) => type),
    ['delivery.exhausted', 'delivery.exhausted'],
  );
  assert.deepEqual(await states(), { dead: 4 });
});

test('a report that was made twice, as after a crash, is one event', async (t) => {
  const first = await setUpDispatcher(t, { publishing: true, defaults: { ladderMs: [] } });
  first.client.answer = ({ path }) => answered(path === '/down' ? 500 : 200);
  await addPair(first);
  first.engine.forgetResults();
  await first.append(1);
  await until('the report is out', () => eventsTo(first.client, '/well').length === 2);
  await first.engine.close();

  const second = await setUpDispatcher(t, {
    publishing: true,
    defaults: { ladderMs: [] },
    folder: first.folder,
    clock: first.clock,
  });
  second.client.answer = first.client.answer;
  await until('it is dead', async () => (await second.states())['dead'] === 1);
  await second.untilInStore();
  assert.equal(second.reports.length, 1);
  const told = await second.engine.db
    .selectFrom('events')
    .select('id')
    .where('type', '=', 'delivery.exhausted')
    .execute();
  assert.equal(told.length, 1);
});

test('an endpoint that fails for days: its owner is told four times, and then it is disabled', async (t) => {
  const setup = await setUpDispatcher(t, { publishing: true });
  const { append, client, clock, directory, notices, recorded, states, untilInStore } = setup;
  client.answer = ({ path }) =>
    path === '/down' ? failedWith('connection_refused') : answered(200);
  const { down } = await addPair(setup, {
    patienceMs: 10 * HOUR_MS,
    notifyEmail: 'ops@example.com',
  });
  await append(20);
  await untilInStore();
  const isDisabled = (): boolean =>
    directory.find(down.projectId, down.id)?.record.status === 'disabled';
  const startMs = clock.now();
  while (!isDisabled() && clock.now() < startMs + DAY_MS) {
    const before = recorded();
    await clock.advance((clock.nextAtMs() ?? 0) - clock.now());
    await until('something is recorded', () => recorded() > before || isDisabled());
    await untilInStore();
  }
  // A probe is never more than six minutes away.
  const tookMs = clock.now() - startMs;
  assert.ok(tookMs >= 10 * HOUR_MS && tookMs < 10.2 * HOUR_MS, `${tookMs / HOUR_MS} h`);
  await until('the last report is through', () => {
    const events = eventsTo(client, '/well');
    return events.at(-1)?.type === 'endpoint.disabled';
  });
  await untilInStore();
  const said = eventsTo(client, '/well').filter(({ type }) => type.startsWith('endpoint.'));
  assert.deepEqual(
    said.map(({ type, data }) => [type, data.endpoint?.id, data.endpoint?.patience_used_percent]),
    [
      ['endpoint.failing', down.id, 50],
      ['endpoint.failing', down.id, 70],
      ['endpoint.failing', down.id, 90],
      ['endpoint.failing', down.id, 100],
      ['endpoint.disabled', down.id, null],
    ],
  );
  assert.equal(notices.length, 5);
  assert.ok(eventsTo(client, '/down').every(({ type }) => type === 'email.delivered'));
  // Nothing is lost: what waits goes when it is enabled.
  assert.equal((await states())['pending'], 20);
  client.answer = () => answered(200);
  await setup.changeEndpoint(down, { status: 'enabled', disabledReason: null });
  await clock.advance(HOUR_MS);
  await setup.untilAll('delivered');
});

test('an endpoint that comes back is reported as recovered', async (t) => {
  const setup = await setUpDispatcher(t, { publishing: true });
  const { append, client, clock, recorded, untilInStore } = setup;
  client.answer = ({ path }) => answered(path === '/down' ? 503 : 200);
  await addPair(setup, { patienceMs: 1_000_000 });
  await append(20);
  await untilInStore();
  for (let i = 0; i < 6; i++) {
    const before = recorded();
    await clock.advance((clock.nextAtMs() ?? 0) - clock.now());
    await until('a probe is recorded', () => recorded() > before);
    await untilInStore();
  }
  client.answer = () => answered(200);
  const types = (): string[] => eventsTo(client, '/well').map(({ type }) => type);
  await until('it has recovered', async () => {
    await clock.advance(1_000);
    return types().includes('endpoint.recovered');
  });
  assert.deepEqual(
    types().filter((type) => type.startsWith('endpoint.')),
    ['endpoint.failing', 'endpoint.recovered'],
  );
});
