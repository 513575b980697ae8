import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertProblem, startTestApi, type TestApi } from '../../fixtures/test-api.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api.close());

/** An endpoint that was given up on for this many events. */
async function addDead(count: number): Promise<string> {
  const fields = { url: 'https://app.example.com/', event_types: ['email.opened'] };
  const { body } = await api.send('POST', '/v1/endpoints', { body: fields });
  const events = Array.from({ length: count }, (_, i) => ({
    type: 'email.opened',
    timestamp: '2026-11-21T16:00:00Z',
    data: { recipient: `user${i}@${body.id.toLowerCase()}.example` },
  }));
  await api.send('POST', '/v1/events', { body: events });
  await api.recordAttempts(body.id, 500);
  return body.id;
}

const groups = async () => (await api.send('GET', '/v1/dead-letters')).body;

test('dead letters are counted by endpoint and reason, and dropped or replayed by them', async () => {
  const few = await addDead(1);
  const many = await addDead(3);
  const { data, at_least } = await groups();
  assert.equal(at_least, false);
  const shown = data.map((one: { endpoint_id: string; count: number; error_code: string }) => [
    one.endpoint_id,
    one.error_code,
    one.count,
  ]);
  // The first endpoint was owed the events of the second, and still is.
  assert.deepEqual(shown, [
    [many, 'http_status', 3],
    [few, 'http_status', 1],
  ]);
  assert.deepEqual([data[0].endpoint_url, data[0].status], ['https://app.example.com/', 'enabled']);
  assert.ok(data[0].first_event_at <= data[0].last_event_at);

  const replay = (error_code: string) =>
    api.send('POST', `/v1/endpoints/${many}/replay`, {
      body: { states: ['dead'], error_code, dry_run: true },
    });
  assert.equal((await replay('http_status')).body.deliveries, 3);
  assert.equal((await replay('timeout')).body.deliveries, 0);

  const drop = (body: object) => api.send('POST', '/v1/dead-letters/drop', { body });
  const other = await drop({ endpoint_id: many, error_code: 'timeout' });
  assert.deepEqual(other.body, { dropped: 0, more: false });
  assert.deepEqual((await drop({ endpoint_id: many })).body, { dropped: 3, more: false });
  assert.equal((await groups()).data.length, 1);
  const path = `/v1/deliveries?endpoint_id=${many}&state=canceled`;
  assert.equal((await api.send('GET', path)).body.data.length, 3);
});

test('a reason that there is not is refused, and what is of another project stays', async () => {
  const id = await addDead(1);
  const send = (body: object, key?: string) =>
    api.send('POST', '/v1/dead-letters/drop', { body, ...(key === undefined ? {} : { key }) });
  const wrong = await send({ endpoint_id: id, error_code: 'timeuot' });
  assertProblem(wrong, 'invalid_field', /"timeout"/);
  assert.equal(wrong.body.errors[0].pointer, '/error_code');
  assertProblem(await send({ endpoint_id: 'no-such' }), 'invalid_field', /no-such/);
  assert.equal((await send({ endpoint_id: id }, api.otherKey)).body.dropped, 0);
  assertProblem(
    await api.send('POST', `/v1/endpoints/${id}/replay`, {
      body: { error_code: 'timeout', include_missing: true },
    }),
    'invalid_field',
    /include_missing/,
  );
  const mine = (await groups()).data.find(
    ({ endpoint_id }: { endpoint_id: string }) => endpoint_id === id,
  );
  assert.equal(mine.count, 1);
});
