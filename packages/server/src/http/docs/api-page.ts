import type { z } from 'zod';
import { describeErrorCode, ERROR_CODES } from '../../lib/errors.ts';
import { type JsonObject, toJsonSchema } from '../openapi.ts';
import type { Route } from '../route.ts';
import { escapeHtml, framePage } from './page-frame.ts';

/**
 * The API for people: one page without scripts, made from the route table, so that it is always what
 * the server does. Works offline, with a keyboard and with a screen reader.
 */
export function createDocsPage(routes: readonly Route[], version: string): string {
  const groups = [...new Set(routes.map((route) => route.group))];
  const nav = groups
    .map((group) => {
      const links = routes
        .filter((route) => route.group === group)
        .map((route) => `<li><a href="#${anchor(route)}">${escapeHtml(route.summary)}</a></li>`);
      return `<h2>${group}</h2><ul>${links.join('')}</ul>`;
    })
    .join('');
  const sections = groups.map((group) => {
    const articles = routes.filter((route) => route.group === group).map(renderRoute);
    return `<section><h2>${group}</h2>${articles.join('')}</section>`;
  });
  const contents = `<ul><li><a href="#start">Start here</a></li><li><a href="/docs/index">Guides and reference</a></li></ul>${nav}<h2>More</h2><ul><li><a href="#errors">Errors</a></li><li><a href="/openapi.json">openapi.json</a></li></ul>`;
  const main = `<h1>Posthorn API</h1>${INTRODUCTION}${sections.join('')}${renderErrors()}`;
  return framePage({ title: 'Posthorn API', version, contents, main });
}

const INTRODUCTION = `<section id="start"><p>Send email, and hear what becomes of it.</p>
<ul><li>Every request needs the API key: <code>Authorization: Bearer phk_…</code> (or <code>X-Api-Key</code>). A key has scopes; each route names the one that it needs.</li>
<li>Bodies are JSON, fields are snake_case, times are RFC 3339 in UTC. A field that does not exist is refused, with the nearest name.</li>
<li>Lists take <code>limit</code> and <code>cursor</code>; the answer's <code>next_cursor</code> leads to the next page.</li>
<li>Every POST takes an <code>Idempotency-Key</code>: the same key with the same request gets the first answer again, for 24 hours.</li>
<li><code>RateLimit-Limit</code>, <code>RateLimit-Remaining</code> and <code>RateLimit-Reset</code> (seconds) come with every answer.</li></ul>
<pre tabindex="0"><code>curl http://127.0.0.1:8480/v1/messages \\
  -H "Authorization: Bearer $POSTHORN_API_KEY" -H "Content-Type: application/json" \\
  -d '{"from": "shop@example.com", "to": "user@example.com", "subject": "Hello", "text": "It works."}'</code></pre></section>`;

function renderRoute(route: Route): string {
  const description =
    route.description === undefined ? '' : `<p>${escapeHtml(route.description)}</p>`;
  const scope =
    route.auth === 'none' ? '' : ` <span>needs the scope <code>${route.auth}</code></span>`;
  const responses = Object.entries(route.responses).map(
    ([status, response]) =>
      `<h4>${status} <span>${escapeHtml(response.description)}</span></h4>${response.schema === undefined ? '' : renderFields(response.schema, 'output')}`,
  );
  return `<article id="${anchor(route)}"><h3>${escapeHtml(route.summary)}</h3>
<p class="line"><b class="${route.method}">${route.method}</b> <code>${escapeHtml(route.path)}</code>${scope}</p>${description}
${part('Path', route.params)}${part('Query', route.query)}${part('Body', route.body)}${responses.join('')}</article>`;
}

function part(title: string, schema: z.ZodType | undefined): string {
  return schema === undefined ? '' : `<h4>${title}</h4>${renderFields(schema, 'input')}`;
}

function renderFields(schema: z.ZodType, io: 'input' | 'output'): string {
  const json = toJsonSchema(schema, io);
  const rows = fieldRows(objectIn(json), '');
  if (rows.length === 0) return `<p>${escapeHtml(String(json['description'] ?? typeOf(json)))}</p>`;
  const description =
    json['description'] === undefined ? '' : `<p>${escapeHtml(String(json['description']))}</p>`;
  return `${description}<table><thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">What it is</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

/** Nested fields are shown down to the third level; beyond that the JSON Schema is the better text. */
const MAX_DEPTH = 3;

function fieldRows(schema: JsonObject, prefix: string, depth = 1): string[] {
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  const properties = (schema['properties'] ?? {}) as Record<string, JsonObject>;
  return Object.entries(properties).flatMap(([name, property]) => {
    // What has a name of its own is explained once, and not by its parts in every row.
    const nested =
      depth < MAX_DEPTH && property['title'] === undefined
        ? fieldRows(objectIn(property), `${prefix}${name}.`, depth + 1)
        : [];
    const mark =
      required.has(name) && property['default'] === undefined ? ' <em>required</em>' : '';
    const fallback =
      property['default'] === undefined ? '' : ` Default: ${JSON.stringify(property['default'])}.`;
    const text = `${String(property['description'] ?? '')}${fallback}`;
    const row = `<tr><th scope="row"><code>${escapeHtml(prefix + name)}</code>${mark}</th><td>${escapeHtml(typeOf(property))}</td><td>${escapeHtml(text)}</td></tr>`;
    return [row, ...nested];
  });
}

/** The object that a schema is, or is a list or a choice of. */
function objectIn(schema: JsonObject): JsonObject {
  if (schema['properties'] !== undefined) return schema;
  const inner = [schema['items'], ...((schema['anyOf'] ?? []) as unknown[])];
  for (const one of inner) {
    const found = typeof one === 'object' && one !== null ? objectIn(one as JsonObject) : {};
    if (found['properties'] !== undefined) return found;
  }
  return {};
}

function typeOf(schema: JsonObject): string {
  if (schema['title'] !== undefined) return String(schema['title']);
  if (Array.isArray(schema['enum']))
    return schema['enum'].length > 8 ? 'one of a list' : schema['enum'].join(' | ');
  if (schema['const'] !== undefined) return JSON.stringify(schema['const']);
  if (Array.isArray(schema['anyOf'])) {
    return [...new Set(schema['anyOf'].map((one) => typeOf(one as JsonObject)))].join(' or ');
  }
  if (schema['type'] === 'array') return `list of ${typeOf((schema['items'] ?? {}) as JsonObject)}`;
  if (schema['format'] === 'date-time') return 'time';
  return String(schema['type'] ?? 'anything');
}

function renderErrors(): string {
  const rows = ERROR_CODES.map((code) => {
    const { status, title } = describeErrorCode(code);
    return `<tr id="error-${code}"><th scope="row"><code>${code}</code></th><td>${status}</td><td>${escapeHtml(title)}</td></tr>`;
  });
  return `<section id="errors"><h2>Errors</h2><p>An error is a problem as in RFC 9457 (<code>application/problem+json</code>): <code>code</code> is stable, <code>detail</code> says what to do, <code>errors</code> names each wrong field.</p>
<table><thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">It means</th></tr></thead><tbody>${rows.join('')}</tbody></table></section>`;
}

function anchor(route: Route): string {
  return `${route.method}${route.path}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '');
}
