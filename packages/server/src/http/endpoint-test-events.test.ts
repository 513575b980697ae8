import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { EVENT_TYPES } from '@posthorn/sdk';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

async function create(fields: Json = {}): Promise<Json> {
  const body = { url: 'https://app.example.com/hook', ...fields };
  return (await api.send('POST', '/v1/endpoints', { body })).body;
}

const sendTest = (id: string, body?: Json) =>
  api.send('POST', `/v1/endpoints/${id}/test`, body === undefined ? {} : { body });

test('a test event goes through the log to this endpoint alone, whatever its filter', async () => {
  const endpoint = await create({ uid: 'mine', event_types: ['email.bounced'] });
  await create();
  const answer = await sendTest('mine');
  assert.equal(answer.status, 202);
  const { event_id, delivery_id } = answer.body;
  const { body: event } = await api.send('GET', `/v1/events/${event_id}`);
  assert.deepEqual([event.type, event.data.test], ['system.test', true]);
  assert.equal(event.data.endpoint.uid, 'mine');
  const owed = await api.send('GET', `/v1/deliveries?event_id=${event_id}`);
  assert.deepEqual(
    owed.body.data.map((one: Json) => [one.id, one.endpoint_id]),
    [[delivery_id, endpoint.id]],
  );
  await api.recordAttempts(endpoint.id, 204);
  const { body: delivery } = await api.send('GET', `/v1/deliveries/${delivery_id}`);
  assert.equal(delivery.state, 'delivered');
});

test('each type has a sample, which the log takes', async () => {
  const { id } = await create({ event_types: ['email.opened'] });
  for (const type of EVENT_TYPES) {
    const answer = await sendTest(id, { type });
    assert.equal(answer.status, 202, `${type}: ${answer.text}`);
    const { body } = await api.send('GET', `/v1/events/${answer.body.event_id}`);
    assert.deepEqual([body.type, body.data.test], [type, true]);
  }
});

test('samples are apart from each other: one does not change the state of the next', async () => {
  const { id } = await create();
  const states = [];
  for (const type of ['email.bounced', 'email.delivered', 'email.bounced']) {
    const { event_id } = (await sendTest(id, { type })).body;
    const { data } = (await api.send('GET', `/v1/events/${event_id}`)).body;
    states.push([data.sequence, data.state]);
  }
  assert.deepEqual(states, [
    [1, 'bounced'],
    [1, 'delivered'],
    [1, 'bounced'],
  ]);
});

test('an unknown type is told the nearest', async () => {
  const { id } = await create();
  const answer = await sendTest(id, { type: 'email.bouncd' });
  assertProblem(answer, 'invalid_field', /Did you mean "email\.bounced"\?/);
  assert.equal(answer.body.errors[0].pointer, '/type');
  assertProblem(await sendTest(id, { typ: 'email.sent' }), 'invalid_field', /"type"/);
});

test('a disabled endpoint says so', async () => {
  const { id } = await create();
  await api.send('PATCH', `/v1/endpoints/${id}`, { body: { status: 'disabled' } });
  assertProblem(await sendTest(id), 'conflict', /is disabled\. Enable it first/);
  const events = await api.send('GET', '/v1/events?limit=1');
  assert.notEqual(events.body.data[0].data.endpoint?.id, id);
});
