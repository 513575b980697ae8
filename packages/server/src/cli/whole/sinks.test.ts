import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startPosthornProcess } from './fixtures/posthorn-process.ts';
import { createTestClient, type Json, type TestClient } from './fixtures/test-client.ts';

const API_KEY = 'phk_sinks';

/** A destination that remembers what came, and answers as it is told. */
async function startDestination(t: TestContext) {
  const taken: Json[] = [];
  const given = { status: 200 };
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    request.on('end', () => {
      const body = JSON.parse(text);
      const status = body.data?.tags?.includes('poison') ? 422 : given.status;
      if (status === 200) taken.push(body);
      response.writeHead(status).end('told so');
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, taken, given };
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`not within a minute: ${what}`);
}

async function append(client: TestClient, names: readonly string[], tags: string[] = []) {
  const events = names.map((name) => ({
    type: 'email.delivered',
    timestamp: new Date().toISOString(),
    data: { provider_event_id: name, recipient: 'mila@example.com', tags },
  }));
  const { data } = await client.post('/v1/events', events);
  return data.map(({ id }: Json) => id as string);
}

test('a sink gets every event in order, through trouble and a crash, and the past when asked', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-sinks-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const settings = {
    data: folder,
    'api-key': API_KEY,
    'master-key': Buffer.alloc(32, 7).toString('base64'),
  };
  const destination = await startDestination(t);
  const { taken, given } = destination;
  let node = await startPosthornProcess(settings);
  t.after(() => node.child.kill('SIGKILL'));
  let client = createTestClient(node.httpUrl, API_KEY);
  const before = await append(client, ['before']);

  const sink = await client.post('/v1/sinks', {
    kind: 'http',
    settings: { url: destination.url, headers: { authorization: 'Bearer hidden' } },
    event_types: ['email.*'],
  });
  assert.equal(JSON.stringify(sink).includes('hidden'), false);
  const path = `/v1/sinks/${sink.id}`;
  const first = await append(client, ['a', 'b', 'c']);
  await until('they have arrived', () => taken.length === 3);
  assert.deepEqual(
    taken.map(({ id }) => id),
    first,
  );

  // Nothing is lost while the destination is away, nor by a kill in that time.
  given.status = 503;
  const held = await append(client, ['d', 'e']);
  await until('it is seen to fail', async () => (await client.get(path)).state === 'failing');
  const { last_error: error } = (await client.get(path)).progress;
  assert.equal(error.code, 'unavailable');
  assert.match(error.detail, /503: told so/);
  node.child.kill('SIGKILL');
  await node.ended;
  given.status = 200;
  node = await startPosthornProcess(settings);
  client = createTestClient(node.httpUrl, API_KEY);
  await until('the rest has arrived', () => taken.length === 5);
  assert.deepEqual(
    taken.slice(3).map(({ id }) => id),
    held,
  );

  const [poison] = await append(client, ['f'], ['poison']);
  const [next] = await append(client, ['g']);
  await until('the next has arrived', () => taken.at(-1).id === next);
  const refused = await client.get(`${path}/refused`);
  assert.deepEqual(
    refused.data.map(({ event_id, code }: Json) => [event_id, code]),
    [[poison, 'refused']],
  );

  const made = '{ "to": data.recipient }';
  const preview = await client.post(`${path}/preview`, { transformation: made, limit: 1 });
  assert.deepEqual(preview.data[0].body, { to: 'mila@example.com' });
  await client.patch(path, { transformation: made });
  const again = await client.post(`${path}/refused/resend`, {});
  assert.deepEqual(again, { sent: 1, refused: 0, gone: 0 });
  assert.deepEqual((await client.get(`${path}/refused`)).data, []);
  assert.deepEqual(await client.post(`${path}/test`, {}).then(({ ok }) => ok), true);

  taken.length = 0;
  await client.patch(path, { transformation: null });
  await client.post(`${path}/backfill`, {});
  await until('the past has arrived', async () => (await client.get(path)).backfill === null);
  const ids = taken.map(({ id }) => id);
  assert.deepEqual(ids, [...before, ...first, ...held, next], 'all but the poisoned one');

  await client.patch(path, { paused: true });
  await append(client, ['h']);
  assert.equal((await client.get(path)).state, 'paused');
  await client.patch(path, { paused: false });
  await until('what waited has arrived', () => taken.length === ids.length + 1);

  // People are mailed by our own queue, and not about those mails.
  const mailed = await client.post('/v1/sinks', {
    kind: 'email',
    settings: { to: 'ops@posthorn.invalid' },
    event_types: ['email.*'],
  });
  await append(client, ['i']);
  const notices = async () => (await client.get('/v1/messages?tag=posthorn-notice')).data;
  await until('a mail is written', async () => (await notices()).length === 1);
  const [{ subject }] = await notices();
  assert.equal(subject, '[Posthorn] Delivered: mila@example.com');
  const { data: seen } = await client.post(`/v1/sinks/${mailed.id}/preview`, { limit: 50 });
  const outcomeOf = (type: string) =>
    new Set(seen.flatMap((line: Json) => (line.event_type === type ? [line.outcome] : [])));
  assert.deepEqual([...outcomeOf('email.delivered')], ['sent']);
  assert.deepEqual([...outcomeOf('email.accepted')], ['left_out'], 'that of the mail itself');
});

test('a sink that cannot work is refused with the field and the reason', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-sinks-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const node = await startPosthornProcess({ data: folder, 'api-key': API_KEY });
  t.after(() => node.child.kill('SIGKILL'));
  const client = createTestClient(node.httpUrl, API_KEY);
  const url = 'https://example.com/';
  const cases: [object, RegExp][] = [
    [{ kind: 'slak', settings: {} }, /422.*\/kind.*Did you mean \\"slack\\"/],
    [{ kind: 'http', settings: {} }, /422.*\/settings\/url/],
    [{ kind: 'http', settings: { url, metod: 'POST' } }, /422.*Did you mean \\"method\\"/],
    [{ kind: 'http', settings: { url: 'http://10.0.0.1/' } }, /422.*\/settings\/url.*not a public/],
    [{ kind: 'redis', settings: { host: '10.0.0.1' } }, /422.*\/settings\/host.*not a public/],
    [
      { kind: 'kafka', settings: { brokers: 'a.example.com:9092, 10.0.0.1:9092', topic: 'a' } },
      /422.*\/settings\/brokers.*not a public/,
    ],
    [
      { kind: 'mysql', settings: { host: '192.0.2.1', username: 'a', database: 'b' } },
      /422.*\/settings\/host.*write a name/,
    ],
    [{ kind: 'http', settings: { url: 'https://a:b@example.com/' } }, /422.*as a header/],
    [{ kind: 'http', settings: { url }, event_types: ['email.bouncd'] }, /Did you mean/],
    [{ kind: 'http', settings: { url }, transformation: '{ "a": ' }, /\/transformation.*JSONata/],
    [{ kind: 'http', settings: { url }, filter: { tagg: ['a'] } }, /422.*\/filter/],
  ];
  for (const [body, expected] of cases)
    await assert.rejects(client.post('/v1/sinks', body), expected);
});
