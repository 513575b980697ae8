import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { SCOPES, type Scope } from '../core/scopes.ts';
import { assertProblem, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

/** A key of one scope each. */
const keyOf = Object.fromEntries(
  await Promise.all(SCOPES.map(async (scope) => [scope, await api.addKey([scope])])),
) as Record<Scope, string>;

/** For receivers, which have no key of ours: it shows public keys. */
const OPEN = ['/v1/endpoints/{id}/jwks.json', '/v1/endpoints/{id}/certificates/{file}'];

const pathOf = (path: string) => path.replace('{number}', '1').replaceAll(/\{\w+\}/g, 'none');

test('every route that wants a key names a scope', () => {
  for (const { method, path, auth } of api.routes) {
    const where = `${method} ${path}`;
    if (auth === 'none') assert.ok(!path.startsWith('/v1/') || OPEN.includes(path), where);
    else assert.ok(SCOPES.includes(auth), where);
  }
});

test('what only reads needs no more than read, unless it shows a secret or who may do what', () => {
  for (const { method, path, auth } of api.routes) {
    if (auth === 'none') continue;
    const isGuarded = /^\/v1\/(keys|projects|nodes)|\/secret$/.test(path);
    if (method === 'GET') assert.equal(auth === 'read', !isGuarded, path);
    if (method !== 'GET') assert.notEqual(auth, 'read', path);
    assert.equal(auth === 'admin', /^\/v1\/(projects|nodes)/.test(path), path);
  }
});

test('a key without the scope is told which one is missing and which it has', async () => {
  for (const { method, path, auth } of api.routes) {
    if (auth === 'none') continue;
    for (const scope of SCOPES) {
      // Without a body, what gets past the scope ends at the body or at the id.
      const answer = await api.send(method, pathOf(path), { key: keyOf[scope] });
      const where = `${method} ${path} with ${scope}: ${answer.text}`;
      if (scope === auth) assert.ok([200, 202, 400, 404].includes(answer.status), where);
      else assertProblem(answer, 'missing_scope', new RegExp(`"${auth}"; this key has "${scope}"`));
    }
  }
});

test('who lacks the scope does not get a body read', async () => {
  const body = '{"not": "json';
  const answer = await api.send('POST', '/v1/endpoints', { key: keyOf.read, body });
  assertProblem(answer, 'missing_scope');
});

test('what needs no key asks for no scope', async () => {
  for (const { path, auth } of api.routes) {
    if (auth !== 'none') continue;
    const query = path === '/t/host' ? '?domain=posthorn.test' : '';
    const { status } = await api.send('GET', pathOf(path) + query, { key: null });
    assert.equal(status, path.includes('{') ? 404 : 200, path);
  }
});

test('OpenAPI and the page name the scope of each route', async () => {
  const { body: openapi } = await api.send('GET', '/openapi.json', { key: null });
  const { text: page } = await api.send('GET', '/docs', { key: null });
  for (const { method, path, auth } of api.routes) {
    const operation = openapi.paths[path][method.toLowerCase()];
    const line = `<b class="${method}">${method}</b> <code>${path}</code>`;
    const needs = ` <span>needs the scope <code>${auth}</code></span>`;
    assert.equal(page.includes(line + needs), auth !== 'none', path);
    assert.equal(operation.responses['403'] !== undefined, auth !== 'none', path);
    const expected = auth === 'none' ? [] : [{ bearer: [auth] }, { apiKey: [auth] }];
    assert.deepEqual(operation.security, expected, path);
  }
});
