import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { PROVIDERS } from '@posthorn/sdk';
import fc from 'fast-check';
import { makeWebhooks } from '../sources/fixtures/provider-webhooks.ts';
import { assertNoLeak, startTestApi } from './fixtures/test-api.ts';
import { createWebhookSender } from './fixtures/webhook-sender.ts';

const api = await startTestApi();
const { createSource, send } = await createWebhookSender(api);
after(() => api.close());

const SEED = 20261121;
const TYPES = [
  'application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain',
  'application/cloudevents+json',
];

/** No secret of its own, so that what comes in reaches the decoder. */
const paths = new Map<string, string>();
for (const { name } of PROVIDERS) {
  const transport = { secrets: ['header:x-fuzz:yes'] };
  paths.set(name, (await createSource({ provider: name, ...transport })).path);
}

async function check(provider: string, body: Buffer, type: string, query = ''): Promise<void> {
  const headers = { 'content-type': type, 'x-fuzz': 'yes' };
  const answer = await send(paths.get(provider) ?? '', { body, headers, query });
  const shown = `${provider} ${answer.status} ${answer.text.slice(0, 200)}`;
  assert.ok(answer.status < 500, shown);
  assert.notEqual(answer.status, 401, shown);
  assertNoLeak(answer.text);
}

const providerNames = fc.constantFrom(...PROVIDERS.map(({ name }) => name));

test('random bytes, of any type: no failure inside', async () => {
  await fc.assert(
    fc.asyncProperty(
      providerNames,
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(...TYPES),
      (provider, bytes, type) => check(provider, Buffer.from(bytes), type),
    ),
    { seed: SEED, numRuns: 200 },
  );
});

test('any JSON, with strange keys and values', async () => {
  await fc.assert(
    fc.asyncProperty(providerNames, fc.jsonValue(), (provider, value) =>
      check(provider, Buffer.from(JSON.stringify(value)), 'application/json'),
    ),
    { seed: SEED, numRuns: 200 },
  );
});

/** A real one with a piece cut off, or with values of other kinds. */
test('what providers send, truncated and with other values in it', async () => {
  const real = makeWebhooks(api.now(), '');
  const strange = fc.constantFrom(
    'null',
    '[]',
    '{}',
    '""',
    'true',
    '1e999',
    '-0',
    '123456789012345678901234567890',
    '"\\u0000"',
    '"\\ud800"',
    '{"__proto__":{"x":1}}',
    '"9999-99-99T99:99:99Z"',
    '"+275760-09-13T00:00:00Z"',
    '99999999999999',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...real),
      fc.double({ min: 0, max: 1, noNaN: true }),
      strange,
      fc.boolean(),
      async ({ provider, body, headers, query }, at, value, isCut) => {
        const text = body.toString();
        const place = Math.floor(at * text.length);
        const changed = isCut
          ? text.slice(0, place)
          : text.slice(0, place) + text.slice(place).replace(/:\s*("[^"]*"|\d+)/, `:${value}`);
        const type = headers['content-type'] ?? 'application/json';
        await check(provider, Buffer.from(changed), type, query);
      },
    ),
    { seed: SEED, numRuns: 300 },
  );
});

test('deep nesting and huge numbers', async () => {
  const deep = (open: string, close: string) => open.repeat(50_000) + close.repeat(50_000);
  const bodies = [
    deep('[', ']'),
    `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
    `[${'9'.repeat(100_000)}]`,
    `{"event":"open","email":"a@b.test","timestamp":${'9'.repeat(400)}}`,
    `{"event":"open","email":"${'a'.repeat(200_000)}@b.test"}`,
    `[${Array.from({ length: 6_000 }, (_, n) => `{"event":"open","email":"u${n}@b.test","timestamp":${n + 1e9}}`).join()}]`,
  ];
  for (const { name } of PROVIDERS) {
    for (const body of bodies) await check(name, Buffer.from(body), 'application/json');
  }
});

test('afterwards everything still works, and no refused webhook became an event', async () => {
  const { path } = await createSource({ provider: 'postmark' });
  const body = Buffer.from('{"RecordType":"Open","MessageID":"m","Recipient":"a@b.test"}');
  assert.deepEqual((await send(path, { body })).body, { events: 1, duplicates: 0 });
});
