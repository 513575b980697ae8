import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { drawAnything, drawJson, drawText, type JsonSchema, pick } from './fixtures/draw-json.ts';
import { type Json, startTestApi } from './fixtures/test-api.ts';

/** Requests to each operation; more with POSTHORN_FUZZ=200, other ones with POSTHORN_SEED=7. */
const ROUNDS = Number(process.env['POSTHORN_FUZZ'] ?? 6);
const SEED = Number(process.env['POSTHORN_SEED'] ?? 20_261_122);

// Nobody fetches a key or confirms a subscription here: what asks for it gets an error of the network.
const api = await startTestApi({
  providerFetch: {
    key: () => Promise.reject(new Error('There is no network.')),
    confirm: () => Promise.reject(new Error('There is no network.')),
  },
  dnsServer: '127.0.0.1:9',
});
after(() => api.close());

let random: () => number = () => 0;
/** Ids of things that are there, by the word before them in a path. */
const known: Record<string, [string, ...string[]]> = {};

before(async () => {
  random = createRandom(SEED);
  const post = async (path: string, body: object): Promise<Json> => {
    const answer = await api.send('POST', path, { body });
    assert.ok(answer.status < 300, `${path}: ${answer.text}`);
    return answer.body;
  };
  const endpoint = await post('/v1/endpoints', {
    url: 'https://app.example.com/hook',
    uid: 'shop',
  });
  const { data: events } = await post('/v1/events', {
    type: 'email.bounced',
    timestamp: '2026-11-21T16:00:00Z',
    data: { recipient: 'jane@example.com', message: { id: 'm1' } },
  });
  const source = await post('/v1/sources', {
    provider: 'generic',
    mapping: { fields: { type: 'a' } },
  });
  const { id: message } = await post('/v1/messages', {
    from: 'orders@shop.test',
    to: 'jane@example.com',
    text: 'x',
  });
  known['endpoints'] = [endpoint.id, 'shop'];
  known['events'] = [events[0].id];
  known['messages'] = [message];
  known['sources'] = [source.id];
  known['in'] = [source.path.split('/').at(-1)];
  known['keys'] = [(await post('/v1/keys', { name: 'web', scopes: ['send'] })).id];
  known['suppressions'] = [(await post('/v1/suppressions', { address: 'a@example.com' })).id];
  known['jobs'] = [(await post('/v1/suppressions/exports', {})).id];
  // The project that the tests speak for stays, and so do its limits.
  known['projects'] = [api.otherProjectId];
  const { body: deliveries } = await api.send('GET', '/v1/deliveries');
  if (deliveries.data.length > 0) known['deliveries'] = [deliveries.data[0].id];
});

/** mulberry32: small, and the same everywhere. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Operation {
  method: string;
  path: string;
  parameters: { name: string; in: string; schema: JsonSchema }[];
  body: JsonSchema | null;
}

async function readOperations(): Promise<Operation[]> {
  const { body: openapi } = await api.send('GET', '/openapi.json', { key: null });
  return Object.entries(openapi.paths as Json).flatMap(([path, item]) =>
    Object.entries(item as Json).map(([method, operation]): Operation => {
      const { parameters = [], requestBody } = operation as Json;
      const schema = requestBody?.content?.['application/json']?.schema ?? null;
      return { method: method.toUpperCase(), path, parameters, body: schema };
    }),
  );
}

/** A stream has no end that one could wait for; the others are asked. */
const ENDLESS = new Set(['/v1/events/stream']);

function drawPath({ path, parameters }: Operation): string {
  const place = path.replace(/(\w+)\/\{\w+\}/g, (_, word: string) => {
    const ids = known[word];
    const id = ids !== undefined && random() < 0.7 ? pick(random, ids) : drawText(random);
    return `${word}/${encode(id)}`;
  });
  const query = parameters
    // Whoever waits, waits.
    .filter((one) => one.in === 'query' && one.name !== 'wait' && random() < 0.4)
    .map(({ name, schema }) => `${name}=${encode(String(drawJson(schema, random, 0.3)))}`);
  return query.length === 0 ? place : `${place}?${query.join('&')}`;
}

/** A half of a pair of UTF-16 is nothing that a URL can have. */
const encode = (text: string): string => encodeURIComponent(text.toWellFormed());

function drawBody({ method, body }: Operation): { body?: unknown } {
  if (method === 'GET' || random() < 0.05) return {};
  const luck = random();
  if (luck < 0.05) return { body: drawText(random) };
  if (luck < 0.1) return { body: JSON.stringify(drawAnything(random)) };
  return body === null ? {} : { body: drawJson(body, random, luck < 0.5 ? 0 : 0.15) };
}

function drawHeaders(): Record<string, string> {
  return {
    ...(random() < 0.1
      ? { 'idempotency-key': pick(random, ['a', 'x'.repeat(256), 'a b', 'é']) }
      : {}),
    ...(random() < 0.1 ? { 'if-match': pick(random, ['"1"', '*', '3', 'W/"1"']) } : {}),
    ...(random() < 0.05
      ? { 'content-type': pick(random, ['text/plain', 'application/json; x', '']) }
      : {}),
  };
}

test('whatever is sent, by the document or beside it, is answered as declared and never with a 5xx', async () => {
  const operations = (await readOperations()).filter(({ path }) => !ENDLESS.has(path));
  assert.ok(operations.length > 60);
  const statuses = new Map<number, number>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const operation of operations) {
      const path = drawPath(operation);
      const { body } = drawBody(operation);
      const headers = drawHeaders();
      const asked = `${operation.method} ${path} ${JSON.stringify(headers)} ${JSON.stringify(body)?.slice(0, 2_000)}`;
      const answer = await api
        .send(operation.method, path, { headers, ...(body === undefined ? {} : { body }) })
        .catch((error: unknown) => assert.fail(`${asked}\n${error}`));
      assert.ok(answer.status < 500, `${asked}\n${answer.status} ${answer.text}`);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    }
  }
  // Requests that all fail would test the door and nothing behind it.
  assert.ok((statuses.get(200) ?? 0) > ROUNDS * 10, JSON.stringify([...statuses]));
  for (const status of [201, 202, 404, 422]) assert.ok(statuses.has(status), String(status));
  // The key of the tests still speaks for its project: nothing that was sent has undone it.
  assert.equal((await api.send('GET', '/v1/messages')).status, 200);
});
