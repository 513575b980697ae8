import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ERROR_CODES } from '../lib/errors.ts';
import { type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

let openapi: Json;
let docs: string;
before(async () => {
  openapi = (await api.send('GET', '/openapi.json', { key: null })).body;
  docs = (await api.send('GET', '/docs', { key: null })).text;
});

/** Each object in the document, with the way to it. */
function* walk(value: Json, path = '#'): Generator<[string, Json]> {
  if (typeof value !== 'object' || value === null) return;
  yield [path, value];
  for (const [key, item] of Object.entries(value)) yield* walk(item, `${path}/${key}`);
}

const operations = (): [string, string, Json][] =>
  Object.entries(openapi.paths as Json).flatMap(([path, item]) =>
    Object.entries(item as Json).map(([method, operation]): [string, string, Json] => [
      path,
      method,
      operation,
    ]),
  );

test('OpenAPI names every route, and no other', () => {
  assert.deepEqual(
    operations()
      .map(([path, method]) => `${method.toUpperCase()} ${path}`)
      .sort(),
    api.routes.map(({ method, path }) => `${method} ${path}`).sort(),
  );
});

test('OpenAPI has the shape that version 3.1 asks for', () => {
  assert.match(openapi.openapi, /^3\.1\.\d+$/);
  assert.ok(openapi.info.title && openapi.info.version && openapi.info.license.name);
  const schemes = Object.keys(openapi.components.securitySchemes);
  for (const requirement of openapi.security) {
    for (const name of Object.keys(requirement)) assert.ok(schemes.includes(name), name);
  }
  const tags = new Set(openapi.tags.map((tag: Json) => tag.name));
  const ids = new Set<string>();
  for (const [path, method, operation] of operations()) {
    const where = `${method} ${path}`;
    assert.match(path, /^\//);
    assert.match(operation.operationId, /^[a-z][A-Za-z0-9]+$/, where);
    assert.ok(!ids.has(operation.operationId), `${operation.operationId} twice`);
    ids.add(operation.operationId);
    assert.ok(operation.summary && operation.tags.every((tag: string) => tags.has(tag)), where);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = operation.parameters.filter((one: Json) => one.in === 'path');
    assert.deepEqual(
      declared.map((one: Json) => one.name),
      inPath,
      where,
    );
    const names = operation.parameters.map((one: Json) => `${one.in} ${one.name}`);
    assert.equal(new Set(names).size, names.length, where);
    for (const parameter of operation.parameters) {
      assert.ok(['path', 'query', 'header'].includes(parameter.in));
      assert.equal(typeof parameter.schema, 'object', `${where} ${parameter.name}`);
      if (parameter.in === 'path') assert.equal(parameter.required, true);
      if (parameter.name === 'limit') assert.match(String(parameter.schema.type), /integer|number/);
    }
    if (method === 'get') assert.equal(operation.requestBody, undefined, where);
    else if (operation.requestBody !== undefined) {
      assert.equal(typeof operation.requestBody.content['application/json'].schema, 'object');
    }
    const statuses = Object.keys(operation.responses);
    assert.ok(
      statuses.some((status) => /^[23]/.test(status)),
      where,
    );
    for (const status of statuses) {
      assert.match(status, /^[1-5]\d\d$/);
      assert.ok(operation.responses[status].description, `${where} ${status}`);
    }
    const isOpen = operation.security?.length === 0;
    assert.equal(statuses.includes('401'), !isOpen, where);
    const isPublicKey = path.endsWith('/jwks.json') || path.includes('/certificates/');
    assert.equal(isOpen, !path.startsWith('/v1/') || isPublicKey, where);
  }
});

test('OpenAPI leads nowhere that is not in it, and says what every field is', () => {
  const types = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];
  for (const [path, node] of walk(openapi)) {
    if (typeof node.$ref === 'string') {
      const found = node.$ref
        .slice(2)
        .split('/')
        .reduce((at: Json, key: string) => at?.[key], openapi);
      assert.equal(typeof found, 'object', `${path} -> ${node.$ref}`);
    }
    const isProperties = path.endsWith('/properties');
    if (isProperties || path.includes('/default') || path.includes('/enum')) continue;
    if (typeof node.type === 'string' && !path.startsWith('#/components/securitySchemes')) {
      assert.ok(types.includes(node.type), `${path}: ${node.type}`);
    }
    for (const name of Array.isArray(node.required) ? node.required : []) {
      assert.ok(node.properties?.[name] !== undefined, `${path} requires ${name}`);
    }
    for (const [key, value] of Object.entries(node))
      assert.notEqual(value, undefined, `${path}/${key}`);
  }
});

test('the page shows every route, every event type and every error code', async () => {
  for (const { method, path, summary } of api.routes) {
    const shown = `<b class="${method}">${method}</b> <code>${path}</code>`;
    assert.ok(docs.includes(shown), shown);
    assert.ok(docs.includes(summary.replaceAll('"', '&#34;')), summary);
  }
  for (const code of ERROR_CODES) assert.ok(docs.includes(`<tr id="error-${code}">`), code);
});

test('the page has no script, loads nothing, and each of its links leads somewhere', async () => {
  assert.doesNotMatch(docs, /<script|javascript:|\son\w+=|<link|<img|<iframe|@import|url\(/i);
  const ids = [...docs.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length, 'an id stands twice');
  const links = [...docs.matchAll(/href="([^"]*)"/g)].map(([, href]) => href ?? '');
  assert.ok(links.length > api.routes.length);
  for (const href of links) {
    if (href.startsWith('#')) assert.ok(ids.includes(href.slice(1)), href);
    else assert.equal((await api.send('GET', href, { key: null })).status, 200, href);
  }
});

test('the page is whole HTML: each element that is opened is closed, in order', () => {
  assertWhole(docs);
});

function assertWhole(html: string): void {
  const open: string[] = [];
  const text = html.replace(/<style>[\s\S]*?<\/style>/, '').replace(/^<!doctype html>/i, '');
  for (const [, slash, name = ''] of text.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*>/g)) {
    if (['meta', 'br'].includes(name)) continue;
    if (slash === '') open.push(name);
    else assert.equal(open.pop(), name);
  }
  assert.deepEqual(open, []);
  assert.match(html, /<html lang="en">/);
  assert.equal([...html.matchAll(/<h1[ >]/g)].length, 1);
}

test('what stands in the page may not run scripts', async () => {
  const { headers } = await api.send('GET', '/docs', { key: null });
  assert.match(String(headers['content-security-policy']), /default-src 'none'/);
});

const FOLDER = join(import.meta.dirname, '../../../../docs');
const pageNames = globSync('{*,guides/*}.md', { cwd: FOLDER }).map((file) =>
  file
    .replaceAll('\\', '/')
    .replace(/\.md$/, '')
    .replace(/^README$/, 'index'),
);
const idsOf = (html: string): (string | undefined)[] =>
  [...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);

test('every page of docs/ is served, whole, without scripts, and none of its links is dead', async () => {
  assert.ok(pageNames.length > 40, String(pageNames.length));
  const pages = new Map<string, string>();
  for (const name of pageNames) {
    const { status, text, headers } = await api.send('GET', `/docs/${name}`, { key: null });
    assert.equal(status, 200, name);
    assert.match(
      String(headers['content-security-policy']),
      /^default-src 'none'; style-src [^;]*$/,
    );
    assert.doesNotMatch(text, /<script|<link|<img|<iframe|@import|url\(/i, name);
    assertWhole(text);
    pages.set(`/docs/${name}`, text);
  }
  pages.set('/docs', docs);
  const reached = new Set<string>();
  for (const [place, text] of pages) {
    for (const [, href = ''] of text.matchAll(/<a (?:class="skip" )?href="([^"]*)"/g)) {
      if (href.startsWith('https://') || href === '/openapi.json') continue;
      const [path = '', fragment] = href.split('#');
      const target = path === '' ? place : path;
      reached.add(target);
      assert.ok(pages.has(target), `${place} leads to ${href}`);
      if (fragment === undefined) continue;
      const ids = idsOf(pages.get(target) ?? '');
      assert.ok(ids.includes(fragment), `${place} leads to ${href}, and there is no such heading`);
    }
  }
  assert.deepEqual(
    [...pages.keys()].filter((path) => !reached.has(path)),
    [],
  );
});

test('what is no page is not found, whatever its name', async () => {
  for (const name of ['nothing', '..%2FSECURITY', 'guides', 'guides/..%2F..%2FREADME', 'README']) {
    const { status, body } = await api.send('GET', `/docs/${name}`, { key: null });
    assert.equal(status, 404, name);
    assert.match(body.detail, /\/docs/);
  }
});

test('links of the pages beside docs/, and out of it, lead to files that are there', () => {
  const root = join(FOLDER, '..');
  const files = globSync('{*,docs/*,docs/guides/*,packages/*/*}.md', { cwd: root });
  const links = files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(
      ([, path = '']) => ({ file, path: join(root, file, '..', path) }),
    ),
  );
  assert.ok(links.length > 100, String(links.length));
  for (const { file, path } of links) assert.ok(existsSync(path), `${file} leads to ${path}`);
});
