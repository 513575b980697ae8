import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { PROJECT_SCOPES } from '../core/scopes.ts';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

// Each answer is held against its route's schema by `send`.
const api = await startTestApi();
after(() => api.close());

const NULL_LIMITS = {
  api_requests_per_second: null,
  events_per_second: null,
  endpoints: null,
  emails_per_hour: null,
  emails_per_day: null,
};
const EVENT = { type: 'email.opened', timestamp: '2026-11-21T16:00:00Z', data: {} };
let events = 0;
const newEvent = () => {
  events += 1;
  return { ...EVENT, data: { recipient: `r${events}@example.com` } };
};

/** A tenant of these settings, with a key of its own. */
async function createTenant(settings: Json = {}): Promise<{ path: string; key: string }> {
  const body = { name: 'Tenant', ...settings };
  const { body: project } = await api.send('POST', '/v1/projects', { body });
  const path = `/v1/projects/${project.id}`;
  const made = await api.send('POST', `${path}/keys`, {
    body: { name: 'First', scopes: PROJECT_SCOPES },
  });
  return { path, key: made.body.key };
}

test('a project is made, listed, changed, and keeps what a change does not name', async () => {
  const limits = { endpoints: 3, events_per_second: 9 };
  const made = await api.send('POST', '/v1/projects', { body: { name: 'Shop', limits } });
  assert.equal(made.status, 201);
  assert.equal(made.headers['etag'], '"1"');
  assert.deepEqual(made.body.limits, { ...NULL_LIMITS, ...limits });
  assert.deepEqual(made.body.retention, { events_days: null, bodies_days: null });
  const path = `/v1/projects/${made.body.id}`;
  assert.deepEqual((await api.send('GET', path)).body, made.body);
  const { data } = (await api.send('GET', '/v1/projects?limit=1')).body;
  assert.deepEqual(data, [made.body]);
  const change = { limits: { endpoints: null }, retention: { events_days: 3 } };
  const { body, headers } = await api.send('PATCH', path, { body: change });
  assert.equal(headers['etag'], '"2"');
  assert.equal(body.name, 'Shop');
  assert.deepEqual(body.limits, { ...NULL_LIMITS, events_per_second: 9 });
  assert.deepEqual(body.retention, { events_days: 3, bodies_days: null });
  assert.notEqual(body.updated_at, made.body.updated_at);
  assert.deepEqual((await api.send('GET', path)).body, body);
});

test('If-Match keeps a change from being lost', async () => {
  const { path } = await createTenant();
  const change = (ifMatch: string, name: string) =>
    api.send('PATCH', path, { body: { name }, headers: { 'if-match': ifMatch } });
  assert.equal((await change('"1"', 'First')).status, 200);
  assertProblem(await change('"1"', 'Second'), 'precondition_failed');
  for (const wrong of ['1', 'W/"2"', '"x"', '']) {
    const answer = await change(wrong, 'Second');
    assert.ok(['precondition_failed', 'bad_request'].includes(answer.body.code), answer.text);
  }
  assert.equal((await api.send('GET', path)).body.name, 'First');
  assert.equal((await change('"1", "2"', 'Second')).status, 200);
  assert.equal((await change('*', 'Third')).headers['etag'], '"4"');
  const headers = { 'if-match': '"3"' };
  assertProblem(await api.send('DELETE', path, { headers }), 'precondition_failed');
  assert.equal((await api.send('GET', path)).headers['etag'], '"4"');
});

test('of two changes at once, one is told of the other', async () => {
  const { path } = await createTenant();
  const answers = await Promise.all(
    ['One', 'Two'].map((name) => api.send('PATCH', path, { body: { name } })),
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 409],
  );
  assert.equal((await api.send('GET', path)).body.name, 'One');
});

test('what is no limit is refused, with the place', async () => {
  const { path } = await createTenant();
  const cases: [Json, string][] = [
    [{ limits: { endpoints: -1 } }, '/limits/endpoints'],
    [{ limits: { api_requests_per_second: 0 } }, '/limits/api_requests_per_second'],
    [{ limits: { events_per_second: 1.5 } }, '/limits/events_per_second'],
    [{ limits: { endpoint: 1 } }, '/limits/endpoint'],
    [{ retention: { events_days: 0 } }, '/retention/events_days'],
    [{ retention: { bodies_days: 3_651 } }, '/retention/bodies_days'],
    [{ retention: null }, '/retention'],
    [{ name: null }, '/name'],
  ];
  for (const [body, pointer] of cases) {
    const answer = await api.send('PATCH', path, { body });
    assertProblem(answer, 'invalid_field');
    assert.equal(answer.body.errors[0].pointer, pointer);
  }
  assertProblem(await api.send('PATCH', path, { body: {} }), 'invalid_field', /at least one/);
});

test('a project has a rate of its own, which all of its keys share', async () => {
  const { path, key } = await createTenant({ limits: { api_requests_per_second: 1 } });
  const { body: other } = await api.send('POST', '/v1/keys', {
    key,
    body: { name: 'Second', scopes: ['read'] },
  });
  assert.equal((await api.send('GET', '/v1/events', { key: other.key })).status, 200);
  const refused = await api.send('GET', '/v1/events', { key });
  assertProblem(refused, 'rate_limited');
  assert.deepEqual(
    ['retry-after', 'ratelimit-limit'].map((name) => String(refused.headers[name])),
    ['1', '2'],
  );
  await api.send('PATCH', path, { body: { limits: { api_requests_per_second: null } } });
  assert.equal((await api.send('GET', '/v1/events', { key })).status, 200);
});

test('a project has a rate of events, and a batch larger than it is paid for by waiting', async () => {
  const { key } = await createTenant({ limits: { events_per_second: 2 } });
  const post = (count: number) =>
    api.send('POST', '/v1/events', { key, body: Array.from({ length: count }, newEvent) });
  assert.equal((await post(10)).status, 202);
  const refused = await post(1);
  assertProblem(refused, 'rate_limited', /2 events a second/);
  assert.equal(String(refused.headers['retry-after']), '4');
  api.turnAccessClock(3_000);
  assertProblem(await post(1), 'rate_limited');
  api.turnAccessClock(1_000);
  assert.equal((await post(1)).status, 202);
  assert.equal((await api.send('GET', '/v1/events', { key })).body.data.length, 11);
});

test('a project has no more endpoints than it may, also by two requests at once', async () => {
  const { path, key } = await createTenant({ limits: { endpoints: 2 } });
  const create = () =>
    api.send('POST', '/v1/endpoints', { key, body: { url: 'https://app.example.com/' } });
  const first = await create();
  const answers = await Promise.all([create(), create()]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 409],
  );
  assertProblem(await create(), 'endpoint_limit_reached', /limit of this project is 2/);
  assert.equal((await api.send('DELETE', `/v1/endpoints/${first.body.id}`, { key })).status, 204);
  assert.equal((await create()).status, 201);
  await api.send('PATCH', path, { body: { limits: { endpoints: 0 } } });
  assertProblem(await create(), 'endpoint_limit_reached');
  assert.equal((await api.send('GET', '/v1/endpoints', { key })).body.data.length, 2);
});

test('a project sends no more emails than it may, and is told until when', async () => {
  const { path, key } = await createTenant({ limits: { emails_per_hour: 2 } });
  const body = { from: 'a@example.com', to: ['b@example.com', 'c@example.com'], text: 'x' };
  assert.equal((await api.send('POST', '/v1/messages', { key, body })).status, 202);
  const one = { ...body, to: 'd@example.com' };
  const refused = await api.send('POST', '/v1/messages', { key, body: one });
  assertProblem(refused, 'send_limit_reached', /may send 2 emails an hour, and 2 are used/);
  const seconds = Number(refused.headers['retry-after']);
  assert.ok(seconds > 0 && seconds <= 3_600, String(seconds));
  const { data } = (await api.send('GET', '/v1/events?type=account.*', { key })).body;
  assert.deepEqual(
    data.map(({ type }: Json) => type),
    ['account.send_limit_exceeded', 'account.send_limit_approaching'],
  );
  await api.send('PATCH', path, { body: { limits: { emails_per_hour: 3 } } });
  assert.equal((await api.send('POST', '/v1/messages', { key, body: one })).status, 202);
});

test('a project keeps its events, messages and their bytes as long as it says', async () => {
  const retention = { events_days: 2, bodies_days: 3 };
  const { path, key } = await createTenant({ retention });
  const id = path.slice('/v1/projects/'.length);
  const body = { from: 'a@example.com', to: 'b@example.com', text: 'x' };
  await api.send('POST', '/v1/messages', { key, body });
  await api.send('POST', '/v1/events', { key, body: newEvent() });
  const days = async (table: 'messages' | 'events' | 'message_bodies') => {
    const rows = await api.engine.db
      .selectFrom(table)
      .select('retain_until as untilMs')
      .where('project_id', '=', id)
      .execute();
    return rows.map(({ untilMs }) =>
      Math.floor((untilMs - Date.UTC(2026, 10, 21, 16)) / 86_400_000),
    );
  };
  assert.deepEqual(await days('messages'), [2]);
  assert.deepEqual(await days('events'), [2, 2]);
  assert.deepEqual(await days('message_bodies'), [3]);
  // With none the bytes go as soon as nobody waits for them.
  await api.send('PATCH', path, { body: { retention: { bodies_days: 0 } } });
  await api.send('POST', '/v1/messages', { key, body });
  assert.deepEqual((await days('message_bodies')).sort(), [0, 3]);
});

test('a deleted project is gone: its keys stop, its endpoints are deleted', async () => {
  const { path, key } = await createTenant();
  const body = { url: 'https://app.example.com/', event_types: ['email.opened'] };
  const endpoints = await Promise.all(
    [1, 2].map(() => api.send('POST', '/v1/endpoints', { key, body })),
  );
  await api.send('POST', '/v1/events', { key, body: newEvent() });
  assert.equal((await api.send('DELETE', path)).status, 204);
  for (const [method, route] of [
    ['GET', '/v1/events'],
    ['POST', '/v1/messages'],
    ['GET', '/v1/keys'],
  ] as const) {
    assertProblem(await api.send(method, route, { key }), 'wrong_key');
  }
  for (const [method, route] of [
    ['GET', path],
    ['PATCH', path],
    ['DELETE', path],
    ['GET', `${path}/keys`],
    ['POST', `${path}/keys`],
  ] as const) {
    const given = { name: 'x', ...(route === path ? {} : { scopes: ['read'] }) };
    const request = ['GET', 'DELETE'].includes(method) ? {} : { body: given };
    assertProblem(await api.send(method, route, request), 'not_found');
  }
  const left = await api.engine.db
    .selectFrom('endpoints')
    .select('deleted_at')
    .where(
      'id',
      'in',
      endpoints.map((one) => one.body.id),
    )
    .execute();
  assert.ok(left.length === 2 && left.every(({ deleted_at }) => deleted_at !== null));
  const { data } = (await api.send('GET', '/v1/projects?limit=100')).body;
  assert.ok(!data.some(({ id }: { id: string }) => path.endsWith(id)));
});

test('what a deletion could not end is ended when it is asked for again', async () => {
  const { path, key } = await createTenant();
  const body = { url: 'https://app.example.com/' };
  const { body: endpoint } = await api.send('POST', '/v1/endpoints', { key, body });
  const id = path.slice('/v1/projects/'.length);
  // As a process leaves it that the store failed in between.
  await api.projects.remove(id, 1);
  assert.equal((await api.send('DELETE', path)).status, 204);
  assert.equal(await api.store.endpoints.get(id, endpoint.id), null);
  assertProblem(await api.send('DELETE', path), 'not_found');
});

test("neither the caller's own project nor the last one can be deleted", async () => {
  const lone = await startTestApi();
  try {
    const own = `/v1/projects/${lone.projectId}`;
    assertProblem(await lone.send('DELETE', own), 'conflict', /project of the key that asks/);
    assert.equal((await lone.send('DELETE', `/v1/projects/${lone.otherProjectId}`)).status, 204);
    assertProblem(await lone.send('DELETE', own), 'conflict', /the only project/);
    assert.equal((await lone.send('GET', own)).status, 200);
  } finally {
    await lone.close();
  }
});
