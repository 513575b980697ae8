import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const URL = 'https://app.example.com/hook';
const SECRET = 'Bearer not-for-everybody';

const post = (headers: Json) => api.send('POST', '/v1/endpoints', { body: { url: URL, headers } });
const change = (id: string, headers: Json) =>
  api.send('PATCH', `/v1/endpoints/${id}`, { body: { headers } });

/** What is sent with a post, names and values in turn. */
const sentBy = (id: string) => api.directory.find(api.projectId, id)?.headers;

test('headers are sent as they were given, and merged by name whatever its case', async () => {
  const { body: created } = await post({ 'X-Tenant': '7', 'X-Region': 'eu' });
  assert.deepEqual(created.headers, { 'X-Tenant': '7', 'X-Region': 'eu' });
  const { body: changed } = await change(created.id, { 'x-tenant': '8', 'X-New': 'a b' });
  assert.deepEqual(changed.headers, { 'X-Region': 'eu', 'x-tenant': '8', 'X-New': 'a b' });
  const { body: less } = await change(created.id, { 'X-TENANT': null, 'X-Region': null });
  assert.deepEqual(less.headers, { 'X-New': 'a b' });
  assert.deepEqual(sentBy(created.id), ['X-New', 'a b']);
  assert.deepEqual((await change(created.id, null)).body.headers, {});
  assert.deepEqual(sentBy(created.id), []);
});

test('secret values are sent, and neither shown nor stored in the open', async () => {
  const given = { 'X-Token': { value: SECRET, secret: true }, 'X-Open': { value: 'o' } };
  const created = await post(given);
  const { id } = created.body;
  const path = `/v1/endpoints/${id}`;
  assert.deepEqual(created.body.headers, { 'X-Open': 'o', 'X-Token': '***' });
  for (const answer of [
    created,
    await api.send('GET', path),
    await api.send('GET', '/v1/endpoints'),
  ]) {
    assert.doesNotMatch(answer.text, new RegExp(SECRET));
  }
  const stored = await api.store.endpoints.get(api.projectId, id);
  assert.doesNotMatch(JSON.stringify(stored), new RegExp(SECRET));
  assert.deepEqual(sentBy(id), ['X-Open', 'o', 'X-Token', SECRET]);
  // Some other change, and the secret is still there.
  await change(id, { 'X-Open': null });
  assert.deepEqual(sentBy(id), ['X-Token', SECRET]);
});

test('a new value of a secret header stays secret, until somebody says that it is not', async () => {
  const { body } = await post({ 'X-Token': { value: SECRET, secret: true } });
  assert.equal((await change(body.id, { 'x-token': 'next' })).body.headers['x-token'], '***');
  assert.deepEqual(sentBy(body.id), ['x-token', 'next']);
  const opened = await change(body.id, { 'X-Token': { value: 'open', secret: false } });
  assert.deepEqual(opened.body.headers, { 'X-Token': 'open' });
});

test('what lets somebody in is always secret', async () => {
  for (const name of ['Authorization', 'cookie', 'X-API-Key', 'Proxy-Authorization']) {
    const { body } = await post({ [name]: { value: SECRET, secret: false } });
    assert.deepEqual(body.headers, { [name]: '***' });
    assert.deepEqual(sentBy(body.id), [name, SECRET]);
  }
});

test('the stars that are shown are not taken for the value', async () => {
  const { body } = await post({ 'X-Token': { value: SECRET, secret: true } });
  assertProblem(await change(body.id, body.headers), 'invalid_field', /instead of a secret value/);
  assert.deepEqual(sentBy(body.id), ['X-Token', SECRET]);
});

test('names that are ours, or none, and values with line breaks are refused', async () => {
  const cases: [string, Json, RegExp][] = [
    ['Webhook-Id', 'x', /set by Posthorn/],
    ['webhook-anything', 'x', /set by Posthorn/],
    ['Host', 'x', /set by Posthorn/],
    ['content-length', '1', /set by Posthorn/],
    ['Content-Type', 'text/plain', /set by Posthorn/],
    ['Connection', 'close', /set by Posthorn/],
    ['Transfer-Encoding', 'chunked', /set by Posthorn/],
    ['Upgrade', 'h2c', /set by Posthorn/],
    ['Host', null, /set by Posthorn/],
    ['X Tenant', 'x', /not the name of a header/],
    ['X-Tenant:', 'x', /not the name of a header/],
    ['', 'x', /not the name of a header/],
    ['X-Über', 'x', /not the name of a header/],
    ['X-Tenant\r\nX', 'x', /not the name of a header/],
    ['X-Tenant', 'a\r\nHost: b', /no line breaks/],
    ['X-Tenant', 'a\nb', /no line breaks/],
    ['X-Tenant', ' a', /neither begins/],
    ['X-Tenant', 'ü', /ASCII/],
    ['X-Tenant', '', /printable/],
    ['X-Tenant', { value: 'a\u0000', secret: true }, /printable/],
    ['X-Tenant', 7, /Give a text/],
  ];
  const { body } = await post({});
  for (const [name, value, detail] of cases) {
    for (const answer of [
      await post({ [name]: value }),
      await change(body.id, { [name]: value }),
    ]) {
      assertProblem(answer, 'invalid_field');
      const [first] = answer.body.errors;
      assert.equal(first.pointer, `/headers/${name}`, answer.text);
      assert.match(first.detail, detail);
    }
  }
  const unknown = await post({ 'X-Tenant': { value: 'x', secrt: true } });
  assertProblem(unknown, 'invalid_field');
  assert.equal(unknown.body.errors[0].pointer, '/headers/X-Tenant/secrt');
});

test('there are at most 20 of them, and 4 kB, secret ones counted', async () => {
  const many = (from: number, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`X-${from + i}`, 'x']));
  const { body } = await post(many(0, 20));
  const more = await change(body.id, { More: { value: 'x', secret: true } });
  assertProblem(more, 'invalid_field', /at most 20 headers/);
  assert.equal(more.body.errors[0].pointer, '/headers');
  assert.equal((await change(body.id, { 'X-0': null, More: 'x' })).status, 200);
  assertProblem(await post(many(0, 21)), 'invalid_field', /at most 20/);
  // Name, value, and four bytes of a line: 4,096 in all.
  const largest = { 'X-L': 'x'.repeat(4_096 - 7) };
  assert.equal((await post(largest)).status, 201);
  assertProblem(await post({ 'X-L': `${largest['X-L']}x` }), 'invalid_field', /4096 bytes/);
});
