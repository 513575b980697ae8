import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

async function create(fields: Json = {}): Promise<Json> {
  const body = { url: 'https://app.example.com/hook', ...fields };
  return (await api.send('POST', '/v1/endpoints', { body })).body;
}

const send = (method: string, path: string, ifMatch: string | null, body?: Json) =>
  api.send(method, `/v1/endpoints/${path}`, {
    ...(ifMatch === null ? {} : { headers: { 'if-match': ifMatch } }),
    ...(body === undefined ? {} : { body }),
  });

test('each change is a new version, which the ETag names', async () => {
  const created = await api.send('POST', '/v1/endpoints', { body: { url: 'https://a.example/' } });
  assert.deepEqual([created.body.version, created.headers['etag']], [1, '"1"']);
  const { id } = created.body;
  const patched = await send('PATCH', id, null, { description: 'a' });
  assert.deepEqual([patched.body.version, patched.headers['etag']], [2, '"2"']);
  const rotated = await send('POST', `${id}/secret/rotate`, null);
  assert.deepEqual([rotated.body.version, rotated.headers['etag']], [3, '"3"']);
  assert.equal((await send('GET', id, null)).headers['etag'], '"3"');
  // What dispatching notices is no change that anybody made.
  const live = api.directory.find(api.projectId, id) ?? assert.fail();
  await api.directory.noteHealth(live, { failingSinceMs: 1, warnedPercent: 0 });
  assert.equal((await send('GET', id, null)).headers['etag'], '"3"');
});

test('a repeated answer has its ETag too', async () => {
  const request = {
    body: { url: 'https://a.example/' },
    headers: { 'idempotency-key': 'etag' },
  };
  await api.send('POST', '/v1/endpoints', request);
  const again = await api.send('POST', '/v1/endpoints', request);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.equal(again.headers['etag'], '"1"');
});

test('with If-Match, only the version that is named is changed, rotated or deleted', async () => {
  const { id } = await create();
  await send('PATCH', id, null, { description: 'second' });
  const requests = [
    ['PATCH', id, { description: 'third' }],
    ['POST', `${id}/secret/rotate`, {}],
    ['DELETE', id],
  ] as const;
  for (const [method, path, body] of requests) {
    assertProblem(await send(method, path, '"1"', body), 'precondition_failed', /version 2/);
    assertProblem(await send(method, path, '2', body), 'bad_request', /with its quotes/);
  }
  assert.equal((await send('GET', id, null)).body.description, 'second');
  assert.equal((await send('PATCH', id, '"2"', { description: 'third' })).status, 200);
  assert.equal((await send('POST', `${id}/secret/rotate`, '"2", "3"')).status, 200);
  assert.equal((await send('DELETE', id, '"4"')).status, 204);
  assertProblem(await send('DELETE', id, '"4"'), 'not_found');
});

test('of changes at once the first is stored, and nothing of the others', async () => {
  for (const ifMatch of [null, '"1"']) {
    const { id } = await create();
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((description) => send('PATCH', id, ifMatch, { description })),
    );
    const [winner, ...losers] = answers;
    assert.equal(winner?.status, 200);
    for (const loser of losers) {
      assertProblem(loser, ifMatch === null ? 'conflict' : 'precondition_failed', /[Rr]ead it/);
    }
    const { body } = await send('GET', id, null);
    assert.deepEqual([body.description, body.version], ['a', 2]);
    assert.equal(api.directory.find(api.projectId, id)?.record.description, 'a');
  }
});

test('of a change and a deletion at once, If-Match lets one of them through', async () => {
  const { id } = await create();
  const [patched, deleted] = await Promise.all([
    send('PATCH', id, '"1"', { description: 'a' }),
    send('DELETE', id, '"1"'),
  ]);
  const [winner, loser] = patched.status === 200 ? [patched, deleted] : [deleted, patched];
  assert.ok(winner.status < 300);
  assertProblem(loser, 'precondition_failed');
  const shown = await send('GET', id, null);
  if (winner === patched) assert.equal(shown.body.description, 'a');
  else assertProblem(shown, 'not_found');
});

test('health that is noticed while a change is being stored is kept', async () => {
  const { id } = await create();
  const live = api.directory.find(api.projectId, id) ?? assert.fail();
  const changed = { ...live.record, description: 'a', version: 2 };
  await Promise.all([
    api.directory.update(live.record, changed),
    api.directory.noteHealth(live, { failingSinceMs: 1_000, warnedPercent: 50 }),
  ]);
  for (const record of [
    api.directory.find(api.projectId, id)?.record,
    await api.store.endpoints.get(api.projectId, id),
  ]) {
    const { description, failingSinceMs, warnedPercent } = record ?? assert.fail();
    assert.deepEqual([description, failingSinceMs, warnedPercent], ['a', 1_000, 50]);
  }
});

test('an endpoint is found by its uid wherever its id is taken', async () => {
  const { id } = await create({ uid: 'orders.eu:1' });
  for (const path of ['orders.eu:1', 'orders.eu%3A1']) {
    assert.equal((await send('GET', path, null)).body.id, id);
  }
  assert.equal((await send('PATCH', 'orders.eu:1', null, { description: 'x' })).body.id, id);
  assert.equal((await send('GET', 'orders.eu:1/secret', null)).body.endpoint_id, id);
  assert.equal((await send('POST', 'orders.eu:1/secret/rotate', null)).body.endpoint_id, id);
  assert.equal((await send('POST', 'orders.eu:1/test', null)).status, 202);
  assert.equal((await send('PATCH', id, null, { uid: 'renamed' })).body.uid, 'renamed');
  assertProblem(await send('GET', 'orders.eu:1', null), 'not_found');
  assert.equal((await send('DELETE', 'renamed', null)).status, 204);
  assertProblem(await send('GET', 'renamed', null), 'not_found');
});

test('a uid is unique in its project, and free again when its endpoint is gone', async () => {
  const first = await create({ uid: 'one' });
  const second = await create({ uid: 'two' });
  const body = { url: 'https://b.example/', uid: 'one' };
  for (const answer of [
    await api.send('POST', '/v1/endpoints', { body }),
    await send('PATCH', second.id, null, { uid: 'one' }),
    await send('PATCH', second.id, '"1"', { uid: 'one' }),
  ]) {
    assertProblem(answer, 'conflict', new RegExp(`/uid: The endpoint ${first.id} has this uid`));
    assert.equal(answer.body.errors[0].pointer, '/uid');
  }
  assert.equal((await send('GET', 'two', null)).body.id, second.id);
  const theirs = await api.send('POST', '/v1/endpoints', { body, key: api.otherKey });
  assert.equal(theirs.status, 201);
  assert.equal((await send('GET', 'one', null)).body.id, first.id);
  await send('DELETE', 'one', null);
  assert.equal((await send('PATCH', second.id, null, { uid: 'one' })).status, 200);
});

test('two equal requests at once with a uid and a key have one effect and one answer', async () => {
  const request = {
    body: { url: 'https://a.example/', uid: 'once' },
    headers: { 'idempotency-key': 'uid-at-once' },
  };
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => api.send('POST', '/v1/endpoints', request)),
  );
  for (const answer of answers) {
    assert.equal(answer.status, 201);
    assert.deepEqual(answer.body, answers[0]?.body);
  }
});
