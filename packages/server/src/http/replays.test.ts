import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertProblem, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const post = (path: string, body?: unknown) =>
  api.send('POST', path, body === undefined ? {} : { body });
let made = 0;
const event = (type = 'email.opened') => {
  made += 1;
  const data = { recipient: `user${made}@example.com` };
  return { type, timestamp: '2026-11-21T16:00:00Z', data };
};

/** An endpoint with this many dead deliveries. */
async function endpointWithDead(count: number, fields: object = {}): Promise<string> {
  const { body } = await post('/v1/endpoints', {
    url: 'https://app.example.com/',
    event_types: ['email.opened'],
    ...fields,
  });
  await post(
    '/v1/events',
    Array.from({ length: count }, () => event()),
  );
  await api.recordAttempts(body.id, 500);
  return body.id;
}

test('a replay is a job that says what it was asked for, and how much there is to do', async () => {
  const id = await endpointWithDead(1, { uid: 'orders' });
  const dry = await post('/v1/endpoints/orders/replay', { dry_run: true });
  assert.deepEqual([dry.status, dry.body], [200, { dry_run: true, deliveries: 1, missing: 0 }]);
  assert.equal((await api.send('GET', '/v1/jobs')).body.data.length, 0);
  const { status, body: job } = await post('/v1/replays', {
    endpoint_id: 'orders',
    since: '2026-11-21T17:00:00+02:00',
    event_types: ['email.*'],
    states: ['dead', 'dead'],
    rate: 50,
  });
  assert.equal(status, 202);
  assert.deepEqual([job.kind, job.state, job.rate_per_second], ['replay', 'queued', 50]);
  assert.deepEqual(job.progress, { total: 1, done: 0, failed: 0 });
  const { until, ...asked } = job.replay;
  assert.deepEqual(asked, {
    endpoint_id: id,
    since: '2026-11-21T15:00:00.000Z',
    event_types: ['email.*'],
    states: ['dead'],
    message_id: null,
    error_code: null,
    include_missing: false,
  });
  assert.ok(until > '2026-11-21T16:00:00');
  assert.deepEqual((await api.send('GET', `/v1/jobs/${job.id}`)).body, job);
  assert.deepEqual((await api.send('GET', '/v1/jobs?kind=replay&state=queued')).body.data, [job]);
  assert.deepEqual((await api.send('GET', '/v1/jobs?kind=erase')).body.data, []);
});

test('counts what an endpoint was never owed, if asked to', async () => {
  await post('/v1/events', [event('email.clicked'), event('email.unsubscribed')]);
  const { body } = await post('/v1/endpoints', {
    url: 'https://late.example.com/',
    event_types: ['email.clicked'],
  });
  const path = `/v1/endpoints/${body.id}/replay`;
  const count = { dry_run: true, include_missing: true };
  assert.deepEqual((await post(path, count)).body, { dry_run: true, deliveries: 0, missing: 1 });
});

test('refuses a replay that makes no sense, and says why', async () => {
  const id = await endpointWithDead(1);
  const path = `/v1/endpoints/${id}/replay`;
  const range = { since: '2026-11-21T16:00:00Z', until: '2026-11-21T15:59:59Z' };
  assertProblem(await post(path, range), 'invalid_field', /^\/until: .*ends before it begins/);
  assertProblem(
    await post(path, { since: '2036-01-01T00:00:00Z' }),
    'invalid_field',
    /yet to come/,
  );
  assertProblem(
    await post(path, { event_types: ['email.opend'] }),
    'invalid_field',
    /email\.opened/,
  );
  assertProblem(await post(path, { states: ['in_flight'] }), 'invalid_field', /^\/states/);
  assertProblem(await post(path, { rate: 0 }), 'invalid_field', /^\/rate/);
  const nothing = await post(path, { states: ['canceled'], message_id: 'm1' });
  assertProblem(nothing, 'nothing_found', /canceled of endpoint ep_\w+ until 2026.* of message m1/);
  assertProblem(await post('/v1/endpoints/nobody/replay', {}), 'not_found');
  assertProblem(await post('/v1/replays', { endpoint_id: 'nobody' }), 'not_found');
  assertProblem(await post('/v1/replays'), 'malformed_json');
  await api.send('PATCH', `/v1/endpoints/${id}`, { body: { status: 'disabled' } });
  assertProblem(await post(path, {}), 'conflict', /Enable it first/);
});

test('a job can be paused, resumed and canceled; asking twice changes nothing', async () => {
  const { body: job } = await post('/v1/erasures', { recipient: ' Anna@Example.COM ' });
  assert.deepEqual([job.kind, job.replay, job.progress.total], ['erase', null, null]);
  const stored = await api.store.jobs.get(api.projectId, job.id);
  assert.deepEqual(stored?.params, { recipient: 'Anna@example.com' });
  const path = `/v1/jobs/${job.id}`;
  const move = async (name: string) => (await post(`${path}/${name}`)).body;
  assert.equal((await move('resume')).state, 'queued');
  const paused = await move('pause');
  assert.equal(paused.state, 'paused');
  assert.deepEqual(await move('pause'), paused);
  assert.equal((await move('resume')).state, 'queued');
  await move('pause');
  const canceled = await move('cancel');
  assert.equal(canceled.state, 'canceled');
  assert.equal(canceled.ended_at, canceled.updated_at);
  assert.deepEqual((await api.send('GET', path)).body, canceled);
  assert.deepEqual(await move('cancel'), canceled);
  assertProblem(await post(`${path}/resume`), 'conflict', /canceled: that is its end/);
  const after = await api.store.jobs.get(api.projectId, job.id);
  assert.deepEqual(after?.params, { recipient: null });
});

test('an erasure wants an address, and never shows it again', async () => {
  for (const recipient of ['anna', 'anna@', '@example.com', 'a b@example.com', '', 'x@y\r\nz']) {
    assertProblem(await post('/v1/erasures', { recipient }), 'invalid_field', /^\/recipient/);
  }
  const made = await post('/v1/erasures', { recipient: 'bert@example.com' });
  const listed = await api.send('GET', '/v1/jobs');
  assert.doesNotMatch(made.text + listed.text, /bert@/);
});
