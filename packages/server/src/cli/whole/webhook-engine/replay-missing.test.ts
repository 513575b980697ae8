import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type EndpointFarm, startEndpointFarm } from '../fixtures/endpoint-farm.ts';
import { type InProcessServer, startInProcessServer } from '../fixtures/in-process-server.ts';
import { postEvents } from '../fixtures/make-events.ts';
import { startSteadyLoad } from '../fixtures/steady-load.ts';
import { readList, type TestClient } from '../fixtures/test-client.ts';

const EVENTS = 250;

async function start(t: TestContext): Promise<{ farm: EndpointFarm; server: InProcessServer }> {
  const farm = await startEndpointFarm(t);
  const server = await startInProcessServer({ apiRate: '10000' });
  t.after(() => server.stop());
  return { farm, server };
}

async function untilDone(client: TestClient, jobId: string): Promise<void> {
  for (;;) {
    const { state, error } = await client.get(`/v1/jobs/${jobId}`);
    assert.ok(!['failed', 'canceled'].includes(state), error);
    if (state === 'done') return;
  }
}

async function listIds(client: TestClient, endpointId: string, state: string): Promise<string[]> {
  const path = `/v1/deliveries?endpoint_id=${endpointId}&state=${state}`;
  return (await readList(client, path)).map(({ event_id }) => event_id).sort();
}

test('what an endpoint missed while it was disabled is kept, and a replay sends exactly that', async (t) => {
  const { farm, server } = await start(t);
  const { client } = server;
  const { id } = await client.post('/v1/endpoints', { url: farm.url('hook') });
  const before = await postEvents(client, EVENTS);
  await farm.until('the first are there', () => farm.taken('hook').length === EVENTS);

  await client.patch(`/v1/endpoints/${id}`, { status: 'disabled' });
  const missed = (await postEvents(client, EVENTS)).sort();
  assert.deepEqual(await listIds(client, id, 'skipped'), missed);
  await client.patch(`/v1/endpoints/${id}`, { status: 'enabled' });
  const after = await postEvents(client, EVENTS);
  await farm.until('the last are there', () => farm.taken('hook').length === 2 * EVENTS);
  assert.deepEqual(farm.taken('hook').sort(), [...before, ...after].sort());

  const gaps = () => client.get(`/v1/endpoints/${id}/gaps`);
  // What has arrived is on record a moment later.
  while ((await gaps()).missing > EVENTS) assert.equal((await gaps()).owed, 3 * EVENTS);
  assert.partialDeepStrictEqual(await gaps(), { owed: 3 * EVENTS, missing: EVENTS });
  const counted = await client.post(`/v1/endpoints/${id}/replay`, { dry_run: true });
  assert.deepEqual(counted, { dry_run: true, deliveries: EVENTS, missing: 0 });
  const job = await client.post(`/v1/endpoints/${id}/replay`, {});
  await untilDone(client, job.id);
  await farm.until('the missed ones are there', () => farm.taken('hook').length >= 3 * EVENTS);
  const all = [...before, ...missed, ...after].sort();
  assert.deepEqual(farm.taken('hook').sort(), all, 'each once');
  assert.deepEqual(await listIds(client, id, 'skipped'), []);
  while ((await gaps()).missing > 0) assert.equal((await gaps()).owed, 3 * EVENTS);
});

test('disabled and enabled again under load, with a replay at the end, it has everything', async (t) => {
  const { farm, server } = await start(t);
  const { client } = server;
  const { id } = await client.post('/v1/endpoints', { url: farm.url('hook') });
  const load = startSteadyLoad(client);
  for (let round = 0; round < 4; round++) {
    await load.untilMore(60);
    await client.patch(`/v1/endpoints/${id}`, { status: 'disabled' });
    await load.untilMore(60);
    await client.patch(`/v1/endpoints/${id}`, { status: 'enabled' });
  }
  await load.stop();
  const skipped = await listIds(client, id, 'skipped');
  assert.ok(skipped.length >= 200, `${skipped.length} were missed`);
  const wanted = load.sent.map((one) => one.id).sort();
  const owed = wanted.length - skipped.length;
  await farm.until('the others are there', () => farm.taken('hook').length >= owed);
  assert.deepEqual([...farm.taken('hook'), ...skipped].sort(), wanted, 'taken or on record');

  const job = await client.post(`/v1/endpoints/${id}/replay`, {});
  await untilDone(client, job.id);
  await farm.until('all are there', () => farm.taken('hook').length >= wanted.length);
  assert.deepEqual(farm.taken('hook').sort(), wanted, 'each once');
});

test('an endpoint that came later gets what was there before, and nothing twice', async (t) => {
  const { farm, server } = await start(t);
  const { client } = server;
  const before = await postEvents(client, EVENTS);
  const { id } = await client.post('/v1/endpoints', { url: farm.url('late') });
  const after = await postEvents(client, EVENTS);
  const job = await client.post(`/v1/endpoints/${id}/replay`, { include_missing: true });
  await untilDone(client, job.id);
  const all = [...before, ...after].sort();
  await farm.until('all are there', () => farm.taken('late').length >= all.length);
  assert.deepEqual(farm.taken('late').sort(), all);
});
