import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { timeOfId } from '../core/ids.ts';
import { DELIVERY_STATES } from '../core/webhooks/delivery-state.ts';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const post = async (path: string, body: unknown) => (await api.send('POST', path, { body })).body;
const get = async (path: string) => (await api.send('GET', path)).body;

async function endpoint(fields: object = {}): Promise<string> {
  const body = { url: 'https://app.example.com/', event_types: ['email.opened'], ...fields };
  return (await post('/v1/endpoints', body)).id;
}

let made = 0;
/** Equal events would be one, so each has a recipient of its own. */
async function append(fields: object = {}): Promise<string> {
  made += 1;
  const { data } = await post('/v1/events', {
    type: 'email.opened',
    timestamp: '2026-11-21T16:00:00Z',
    data: { recipient: `user${made}@example.com`, ...fields },
  });
  return data[0].id;
}

test('gaps are what is owed less what was acknowledged', async () => {
  const id = await endpoint({ uid: 'gaps' });
  await append();
  await api.recordAttempts(id, 200);
  const dead = await append();
  await api.recordAttempts(id, 503);
  await api.send('PATCH', `/v1/endpoints/${id}`, { body: { status: 'disabled' } });
  await append();
  await api.send('PATCH', `/v1/endpoints/${id}`, { body: { status: 'enabled' } });
  const pending = await append();
  const gaps = await get('/v1/endpoints/gaps/gaps');
  const none = Object.fromEntries(DELIVERY_STATES.map((state) => [state, 0]));
  assert.deepEqual(gaps.by_state, { ...none, delivered: 1, dead: 1, skipped: 1, pending: 1 });
  assert.deepEqual(
    [gaps.endpoint_id, gaps.owed, gaps.delivered, gaps.missing, gaps.at_least],
    [id, 4, 1, 3, false],
  );
  assert.deepEqual([gaps.oldest.event_id, gaps.oldest.state], [dead, 'dead']);
  assert.deepEqual(
    gaps.data.map((row: Json) => row.state),
    ['pending', 'skipped', 'dead'],
  );
  const [first, second] = [
    await get(`/v1/endpoints/${id}/gaps?limit=2`),
    await get(`/v1/endpoints/${id}/gaps?limit=2`).then((page) =>
      get(`/v1/endpoints/${id}/gaps?limit=2&cursor=${page.next_cursor}`),
    ),
  ];
  assert.deepEqual([...first.data, ...second.data], gaps.data);
  assert.equal(second.next_cursor, null);
  // Narrowed to what came last.
  const timeOf = (eventId: string) => new Date(timeOfId(eventId)).toISOString();
  const since = timeOf(pending);
  const late = await get(`/v1/endpoints/${id}/gaps?since=${since}`);
  assert.deepEqual([late.missing, late.owed, late.oldest.event_id], [1, 1, pending]);
  const early = await get(`/v1/endpoints/${id}/gaps?until=${timeOf(dead)}`);
  assert.deepEqual([early.missing, early.oldest, early.data], [0, null, []]);
  const upsideDown = `/v1/endpoints/${id}/gaps?since=${since}&until=${timeOf(dead)}`;
  assertProblem(await api.send('GET', upsideDown), 'invalid_field', /ends before it begins/);
  assertProblem(await api.send('GET', '/v1/endpoints/nobody/gaps'), 'not_found');
  await api.send('DELETE', `/v1/endpoints/${id}`);
});

test('the queue tells what waits for each endpoint, the longest first, and since when', async () => {
  await endpoint({ uid: 'short', event_types: ['email.clicked'] });
  const long = await endpoint({ uid: 'long', event_types: ['email.clicked', 'email.opened'] });
  const before = await get('/v1/queue');
  assert.deepEqual([before.depth, before.endpoints, before.due_since], [0, 0, null]);
  await append();
  await append();
  const clicked = { type: 'email.clicked', timestamp: '2026-11-21T16:00:00Z', data: {} };
  await post('/v1/events', clicked);
  api.advance(90_000);
  const queue = await get('/v1/queue');
  assert.deepEqual([queue.depth, queue.endpoints, queue.at_least], [4, 2, false]);
  assert.deepEqual(
    queue.data.map((row: Json) => [row.endpoint_uid, row.status, row.depth, row.due]),
    [
      ['long', 'enabled', 3, 3],
      ['short', 'enabled', 1, 1],
    ],
  );
  const [first] = queue.data;
  assert.equal(first.endpoint_id, long);
  assert.ok(queue.lag_seconds >= 90 && queue.lag_seconds < 100, String(queue.lag_seconds));
  assert.equal(Date.parse(first.due_since), Date.parse(queue.due_since));
  assert.ok(queue.oldest_age_seconds >= queue.lag_seconds);
  await api.recordAttempts(long, 200);
  const after = await get('/v1/queue');
  assert.deepEqual(
    after.data.map((row: Json) => row.endpoint_uid),
    ['short'],
  );
});

test('every state, and every other filter, finds its deliveries', async () => {
  const id = await endpoint({ uid: 'filters', event_types: ['email.complained'] });
  const complained = (data: object = {}) =>
    post('/v1/events', { type: 'email.complained', timestamp: '2026-11-21T16:00:00Z', data });
  await complained();
  await api.recordAttempts(id, 500);
  await complained({ message: { provider_id: 'm7' } });
  const list = async (query: string) =>
    (await get(`/v1/deliveries?endpoint_id=filters&${query}`)).data.map((row: Json) => row.state);
  assert.deepEqual(await list(''), ['pending', 'dead']);
  for (const state of DELIVERY_STATES) {
    const expected = state === 'pending' || state === 'dead' ? [state] : [];
    assert.deepEqual(await list(`state=${state}`), expected);
  }
  assert.deepEqual(await list('error_code=http_status'), ['dead']);
  assert.deepEqual(await list('error_code=timeout'), []);
  assert.deepEqual(await list('message_id=m7'), ['pending']);
  assert.deepEqual(await list('type=email.complained,system.*'), ['pending', 'dead']);
  assert.deepEqual(await list('type=email.sent'), []);
  const query = (text: string) => api.send('GET', `/v1/deliveries?${text}`);
  assertProblem(await query('error_code=time_out'), 'invalid_field', /"timeout"/);
  assertProblem(await query('endpoint_id=nobody'), 'invalid_field', /no endpoint with the uid/);
  assertProblem(await query('state=waiting'), 'invalid_field', /state/);
  assertProblem(await query('type=email.complaint'), 'invalid_field', /email\.complained/);
});
