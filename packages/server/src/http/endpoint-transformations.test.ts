import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const URL = 'https://app.example.com/hook';
const SHORT = '{ "kind": type, "who": data.recipient }';

async function create(fields: Json = {}): Promise<Json> {
  return (await api.send('POST', '/v1/endpoints', { body: { url: URL, ...fields } })).body;
}

async function preview(id: string, body: Json): Promise<Json[]> {
  const answer = await api.send('POST', `/v1/endpoints/${id}/preview`, { body });
  assert.equal(answer.status, 200, answer.text);
  return answer.body.data;
}

test('a transformation is kept, shown, and counted as a change', async () => {
  const { id, transformation } = await create();
  assert.equal(transformation, null);
  const path = `/v1/endpoints/${id}`;
  const changed = await api.send('PATCH', path, { body: { transformation: SHORT } });
  assert.deepEqual([changed.body.transformation, changed.body.version], [SHORT, 2]);
  const reset = await api.send('PATCH', path, { body: { transformation: null } });
  assert.equal(reset.body.transformation, null);
});

test('what cannot be compiled, or has no place in a dialect, is refused when it is saved', async () => {
  const wrong = await api.send('POST', '/v1/endpoints', {
    body: { url: URL, transformation: '{ "kind": ' },
  });
  assertProblem(wrong, 'invalid_field', /transformation: It is not JSONata: .*at character \d/);
  const foreign = { url: URL, dialect: 'cloudevents', transformation: SHORT };
  const refused = await api.send('POST', '/v1/endpoints', { body: foreign });
  assertProblem(refused, 'invalid_field', /\/transformation: .*so does the dialect cloudevents/);
  const { id } = await create({ transformation: SHORT });
  const late = await api.send('PATCH', `/v1/endpoints/${id}`, { body: { dialect: 'cloudevents' } });
  assertProblem(late, 'invalid_field', /\/dialect: .*set transformation to null/);
});

test('past events are previewed: with what is given, or else with what the endpoint has', async () => {
  const { id } = await create({ transformation: SHORT, redact_recipient: 'remove' });
  for (const type of ['email.bounced', 'email.opened']) {
    const event = { type, timestamp: new Date(api.now()).toISOString() };
    const body = { ...event, data: { recipient: 'mila@example.com' } };
    assert.equal((await api.send('POST', '/v1/events', { body })).status, 202);
  }
  const [opened, bounced] = await preview(id, {});
  assert.deepEqual(
    [opened?.outcome, opened?.body, bounced?.body],
    // Its owner has kept the address from it.
    ['sent', { kind: 'email.opened', who: null }, { kind: 'email.bounced', who: null }],
  );
  const filtered = await preview(id, { event_types: ['email.bounced'] });
  assert.deepEqual(
    filtered.map(({ outcome }) => outcome),
    ['left_out', 'sent'],
  );
  const nothing = await preview(id, { transformation: 'data.nothing', limit: 1 });
  assert.deepEqual([nothing.length, nothing[0]?.outcome], [1, 'left_out']);
  const failing = await preview(id, { transformation: '$number(type)' });
  assert.equal(failing[0]?.outcome, 'failed');
  assert.match(failing[0]?.error, /^The transformation: .*number/);
  assert.equal((await api.send('GET', `/v1/endpoints/${id}`)).body.transformation, SHORT);
  const [plain] = await preview(id, { transformation: null, limit: 1 });
  assert.equal(plain?.body.type, 'email.opened');
});

test('the sample of a post and the body of a delivery are what the transformation makes', async () => {
  const { id } = await create({ transformation: SHORT });
  const shown = await api.send('GET', `/v1/endpoints/${id}/preview?type=email.bounced`);
  assert.equal(JSON.parse(shown.body.body).kind, 'email.bounced');
  const { body } = await api.send('POST', `/v1/endpoints/${id}/test`, { body: {} });
  const path = `/v1/deliveries/${body.delivery_id}?include=body`;
  assert.equal((await api.send('GET', path)).body.body, '{"kind":"system.test"}');
  const none = await create({ transformation: 'data.nothing' });
  const empty = await api.send('GET', `/v1/endpoints/${none.id}/preview`);
  assertProblem(empty, 'invalid_field', /makes nothing of the event/);
});
