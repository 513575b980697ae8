import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { EVENT_TYPES } from '@posthorn/sdk';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { EVENT_CATALOGUE } from '../core/events/event-catalogue.ts';
import { sampleEvent } from '../core/events/event-samples.ts';
import { eventsBody } from './api/events/event-schema.ts';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const ajv = new Ajv2020({
  formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/ },
});
const { body: listed } = await api.send('GET', '/v1/event-types');
const validators = new Map<string, ValidateFunction>(
  listed.data.map((entry: Json) => [entry.type, ajv.compile(entry.schema)]),
);

/** Why the event does not fit the schema of the type; empty when it does. */
function faultsOf(type: string, event: Json): string {
  const validate = validators.get(type);
  assert.ok(validate);
  return validate(event) ? '' : ajv.errorsText(validate.errors);
}

test('lists every type with category, description, schema and example', () => {
  assert.deepEqual(
    listed.data.map((entry: Json) => entry.type),
    [...EVENT_TYPES],
  );
  for (const { type, category, description, terminal } of listed.data) {
    const { blocks: _, ...known } = EVENT_CATALOGUE[type as keyof typeof EVENT_CATALOGUE];
    assert.deepEqual({ category, description, terminal }, known);
  }
});

for (const { type, schema, example } of listed.data) {
  test(`the example of ${type} fits the schema of ${type} and of no other type`, () => {
    assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
    assert.equal(example.data.test, true);
    for (const [other, validate] of validators) {
      assert.equal(
        validate(example),
        other === type,
        `${other} ${JSON.stringify(validate.errors)}`,
      );
    }
  });

  test(`the schema of ${type} names every field of its example`, () => {
    // POST refuses fields that do not exist; this is about those that the type does not list.
    const known = Object.keys(schema.properties.data.properties);
    for (const field of Object.keys(example.data)) assert.ok(known.includes(field), field);
  });

  test(`the example of ${type} can be posted, and comes back from the log as it was`, async () => {
    assert.equal(eventsBody.safeParse(example).success, true);
    const id = api.ids.next('event');
    const sample = sampleEvent(type, { id, atMs: Date.parse(example.timestamp) });
    const posted = await api.send('POST', '/v1/events', { body: sample });
    assert.deepEqual(posted.body, { data: [{ id, duplicate: false }] }, posted.text);
    const { body: stored } = await api.send('GET', `/v1/events/${id}`);
    assert.equal(faultsOf(type, stored), '');
    // The log says for itself where it stands.
    const { sequence: _q, state: _s, previous_state: _p, ...expected } = sample.data;
    assert.deepEqual({ ...stored.data, ...expected }, stored.data);
  });
}

test('a schema refuses what is not such an event, and takes fields of later versions', () => {
  const sample = sampleEvent('email.bounced', { id: 'evt_1', atMs: 0 });
  const { data } = sample;
  const later = { ...sample, later: 1, data: { ...data, later: { more: true } } };
  assert.equal(faultsOf('email.bounced', later), '');
  const wrong = [
    { ...sample, timestamp: 'yesterday' },
    { ...sample, timestamp: undefined },
    { ...sample, data: undefined },
    { ...sample, data: { ...data, provider: undefined } },
    { ...sample, data: { ...data, bounce: { ...data.bounce, type: 'hart' } } },
    { ...sample, data: { ...data, delivery: { attempt: 'first' } } },
    { ...sample, data: { ...data, tags: 'a' } },
    { ...sample, data: { ...data, state: 'gone' } },
  ];
  for (const event of wrong) {
    assert.notEqual(faultsOf('email.bounced', JSON.parse(JSON.stringify(event))), '');
  }
});

test('gives one type, and for an unknown one the name that was meant', async () => {
  const { body } = await api.send('GET', '/v1/event-types/email.bounced');
  assert.deepEqual(
    body,
    listed.data.find((entry: Json) => entry.type === 'email.bounced'),
  );
  const meant = await api.send('GET', '/v1/event-types/email.bouncd');
  assertProblem(meant, 'not_found', /"email\.bouncd" is not .* Did you mean "email\.bounced"\?/);
  for (const name of ['email.*', 'constructor', 'x'.repeat(150)]) {
    assertProblem(await api.send('GET', `/v1/event-types/${name}`), 'not_found', /lists them/);
  }
});

test('a posted block with a field that does not exist is refused with the nearest name', async () => {
  const { data, type, timestamp } = sampleEvent('endpoint.failing', { id: 'evt_1', atMs: 0 });
  const send = (endpoint: object) =>
    api.send('POST', '/v1/events', { body: { type, timestamp, data: { ...data, endpoint } } });
  const typo = await send({ ...data.endpoint, failing_sinse: null });
  assertProblem(typo, 'invalid_field', /data\/endpoint\/failing_sinse: .*"failing_since"\?/);
  const step = await send({ ...data.endpoint, patience_used_percent: 60 });
  assertProblem(step, 'invalid_field', /data\/endpoint\/patience_used_percent/);
});
