import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { PROJECT_SCOPES } from '../core/scopes.ts';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

// Each answer is held against its route's schema by `send`.
const api = await startTestApi();
after(() => api.close());

const create = async (body: Json, key = api.key): Promise<Json> =>
  (await api.send('POST', '/v1/keys', { body: { name: 'App', ...body }, key })).body;

test('a key is made, shown once, and does what its scopes allow', async () => {
  const { key, ...shown } = await create({ scopes: ['read', 'send', 'read'] });
  assert.match(key, /^phk_[\w-]{32}$/);
  assert.equal(shown.hint, key.slice(-4));
  assert.deepEqual(shown.scopes, ['send', 'read']);
  assert.deepEqual([shown.expires_at, shown.last_used_at], [null, null]);
  assert.deepEqual((await api.send('GET', `/v1/keys/${shown.id}`)).body, shown);
  const { body: list } = await api.send('GET', '/v1/keys?limit=1');
  assert.deepEqual(list.data, [shown]);
  const body = { from: 'a@example.com', to: 'b@example.com', text: 'x' };
  assert.equal((await api.send('POST', '/v1/messages', { key, body })).status, 202);
  assert.equal((await api.send('GET', '/v1/messages', { key })).body.data.length, 1);
  assertProblem(await api.send('GET', '/v1/keys', { key }), 'missing_scope');
});

test('the store has no key in the clear', async () => {
  const { key, id } = await create({ scopes: ['read'] });
  const row = await api.engine.db
    .selectFrom('api_keys')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  assert.ok(!JSON.stringify(row).includes(key.slice(4, -4)));
});

test('a revoked key is refused from the next request on', async () => {
  const { key, id } = await create({ scopes: ['read'] });
  assert.equal((await api.send('GET', '/v1/events', { key })).status, 200);
  assert.equal((await api.send('DELETE', `/v1/keys/${id}`)).status, 204);
  assertProblem(await api.send('GET', '/v1/events', { key }), 'wrong_key', /revoked/);
  for (const method of ['GET', 'DELETE']) {
    assertProblem(await api.send(method, `/v1/keys/${id}`), 'not_found');
  }
});

test('a look-up that was under way while its key was revoked does not bring it back', async () => {
  const { key, id } = await create({ scopes: ['read'] });
  const [early, revoked] = await Promise.all([
    api.send('GET', '/v1/events', { key }),
    api.send('DELETE', `/v1/keys/${id}`),
  ]);
  assert.equal(revoked.status, 204);
  assert.ok([200, 401].includes(early.status));
  assertProblem(await api.send('GET', '/v1/events', { key }), 'wrong_key');
});

test('a key with a time to end is refused from then on, and told when that was', async () => {
  // As the offset says it, this is an hour after the clock of the API.
  const { key, expires_at } = await create({
    scopes: ['read'],
    expires_at: '2026-11-21T18:00:00+01:00',
  });
  assert.equal(expires_at, '2026-11-21T17:00:00.000Z');
  assert.equal((await api.send('GET', '/v1/events', { key })).status, 200);
  api.turnAccessClock(3_599_999);
  assert.equal((await api.send('GET', '/v1/events', { key })).status, 200);
  api.turnAccessClock(1);
  const late = await api.send('GET', '/v1/events', { key });
  assertProblem(late, 'expired_key', /2026-11-21T17:00:00\.000Z/);
  assert.equal(late.headers['www-authenticate'], 'Bearer');
});

test('a key gives no scope that it does not have itself, also not by a repetition', async () => {
  const { key: manager } = await create({ scopes: ['manage', 'read'] });
  assert.equal((await create({ scopes: ['read', 'manage'] }, manager)).scopes.length, 2);
  const body = { name: 'More', scopes: ['read', 'send', 'admin'] };
  const refused = await api.send('POST', '/v1/keys', { body, key: manager });
  const detail = /this one has "read" and "manage", and not "send" and "admin"/;
  assertProblem(refused, 'missing_scope', detail);
  const headers = { 'idempotency-key': 'of-the-admin' };
  assert.equal((await api.send('POST', '/v1/keys', { body, headers })).status, 201);
  const again = await api.send('POST', '/v1/keys', { body, headers, key: manager });
  assertProblem(again, 'missing_scope');
  const { data } = (await api.send('GET', '/v1/keys?limit=100')).body;
  assert.equal(data.filter(({ name }: { name: string }) => name === 'More').length, 1);
});

test('a key of the operator is revoked only by one that is the operator too', async () => {
  const { id } = await create({ scopes: ['admin'] });
  const { key: manager } = await create({ scopes: ['manage'] });
  const path = `/v1/keys/${id}`;
  assertProblem(await api.send('DELETE', path, { key: manager }), 'missing_scope', /"admin"/);
  assert.equal((await api.send('DELETE', path)).status, 204);
});

test('the operator hands a tenant its first key, which makes the others', async () => {
  const { body: project } = await api.send('POST', '/v1/projects', { body: { name: 'Tenant' } });
  const path = `/v1/projects/${project.id}/keys`;
  const first = await api.send('POST', path, { body: { name: 'First', scopes: PROJECT_SCOPES } });
  assert.equal(first.status, 201);
  const { key } = first.body;
  const own = await api.send('POST', '/v1/keys', { key, body: { name: 'App', scopes: ['send'] } });
  assert.equal(own.status, 201);
  const ids = [own.body.id, first.body.id];
  for (const [list, by] of [
    [path, api.key],
    ['/v1/keys', key],
  ]) {
    const { body } = await api.send('GET', list, { key: by });
    assert.deepEqual(
      body.data.map(({ id }: { id: string }) => id),
      ids,
    );
  }
  assert.equal((await api.send('DELETE', `${path}/${first.body.id}`)).status, 204);
  assertProblem(await api.send('GET', '/v1/keys', { key }), 'wrong_key');
});

test('what is no key is refused, with the place', async () => {
  const cases: [Json, string, RegExp][] = [
    [{ scopes: [] }, '/scopes', /at least one scope/],
    [{ scopes: ['reed'] }, '/scopes/0', /"reed" is not a scope\. Did you mean "read"\?/],
    [{ scopes: 'read' }, '/scopes', /a list/],
    [{ scopes: ['read'], name: '' }, '/name', /./],
    [{ scopes: ['read'], name: 'a\nb' }, '/name', /Line breaks/],
    [{ scopes: ['read'], expires_at: '2026-11-21T15:00:00Z' }, '/expires_at', /has passed/],
    [{ scopes: ['read'], expires_at: 'tomorrow' }, '/expires_at', /RFC 3339/],
    [{ scopes: ['read'], expire_at: null }, '/expire_at', /Did you mean "expires_at"\?/],
  ];
  for (const [body, pointer, detail] of cases) {
    const answer = await api.send('POST', '/v1/keys', { body: { name: 'App', ...body } });
    assertProblem(answer, 'invalid_field', detail);
    assert.equal(answer.body.errors[0].pointer, pointer);
  }
});

test('says when a key was used last, once that is stored', async () => {
  const { key, id } = await create({ scopes: ['read'] });
  await api.send('GET', '/v1/events', { key });
  await api.usage.flush();
  const { body } = await api.send('GET', `/v1/keys/${id}`);
  assert.match(body.last_used_at, /^2026-11-21T16:00:0/);
});
