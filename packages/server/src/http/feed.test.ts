import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { until } from '../lib/fixtures/test-clock.ts';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi({ waiting: true });
let base = '';
before(async () => {
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.app.server.address() as AddressInfo;
  base = `http://127.0.0.1:${port}`;
});
after(() => api.close());

let made = 0;
async function append(fields: object = {}, key = api.key): Promise<string> {
  made += 1;
  const body = {
    type: 'email.opened',
    timestamp: '2026-11-21T16:00:00Z',
    data: { recipient: `user${made}@example.com` },
    ...fields,
  };
  return (await api.send('POST', '/v1/events', { body, key })).body.data[0].id;
}

const pull = async (query: string) => (await api.send('GET', `/v1/events?${query}`)).body;
const idsOf = (body: Json): string[] => body.data.map((one: Json) => one.id);

/** A stream, frame by frame; comments are left out. */
async function openStream(query = '', headers: Record<string, string> = {}) {
  const controller = new AbortController();
  const response = await fetch(`${base}/v1/events/stream?${query}`, {
    headers: { authorization: `Bearer ${api.key}`, ...headers },
    signal: controller.signal,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    response,
    abort: () => controller.abort(),
    /** The next event; null when the stream has ended. */
    async next(): Promise<Record<string, string> | null> {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end !== -1) {
          const frame = text.slice(0, end);
          text = text.slice(end + 2);
          const lines = frame.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2));
          const fields = Object.fromEntries(lines);
          if ('data' in fields) return fields;
          continue;
        }
        const { value, done } = (await reader?.read()) ?? { value: '', done: true };
        if (done) return null;
        text += value;
      }
    },
  };
}

test('reads the log onwards, and every answer says where to go on', async () => {
  const ids = [await append(), await append(), await append()];
  await append({}, api.otherKey);
  const first = await pull('after=start&limit=2');
  assert.deepEqual(idsOf(first), ids.slice(0, 2));
  const second = await pull(`after=${first.next_cursor}`);
  assert.deepEqual(idsOf(second), ids.slice(2));
  const third = await pull(`after=${second.next_cursor}`);
  assert.deepEqual([idsOf(third), typeof third.next_cursor], [[], 'string']);
  const bounced = await append({ type: 'email.bounced' });
  const last = await append();
  const more = await pull(`after=${third.next_cursor}&type=email.bounced`);
  assert.deepEqual(idsOf(more), [bounced]);
  // What a filter leaves out is behind it all the same.
  assert.deepEqual(idsOf(await pull(`after=${more.next_cursor}`)), []);
  assert.deepEqual(idsOf(await pull(`after=${third.next_cursor}`)), [bounced, last]);
  assert.deepEqual(idsOf(await pull('after=now')), []);
});

test('waits for the first event, and answers at once when there is one', async () => {
  const { next_cursor: here } = await pull('after=now');
  const waiting = pull(`after=${here}&wait=60s&type=email.clicked`);
  await append();
  await append({}, api.otherKey);
  const clicked = await append({ type: 'email.clicked' });
  const answer = await waiting;
  assert.deepEqual(idsOf(answer), [clicked]);
  const again = await pull(`after=${here}&wait=60s&type=email.clicked`);
  assert.deepEqual(idsOf(again), [clicked]);
  const none = await pull(`after=${answer.next_cursor}&wait=10ms`);
  assert.deepEqual(idsOf(none), []);
});

test('refuses what cannot be meant', async () => {
  const get = (query: string) => api.send('GET', `/v1/events?${query}`);
  const { next_cursor: listCursor } = await pull('limit=1');
  assertProblem(await get(`after=${listCursor}`), 'invalid_cursor');
  assertProblem(await get('after=yesterday'), 'invalid_cursor');
  const { next_cursor: here } = await pull('after=now');
  assertProblem(await get(`cursor=${here}`), 'invalid_cursor');
  assertProblem(await get(`after=${here}&cursor=${listCursor}`), 'invalid_field', /not both/);
  assertProblem(await get('wait=5s'), 'invalid_field', /goes with after/);
  for (const wait of ['61s', 'long', '-1s']) {
    assertProblem(await get(`after=now&wait=${wait}`), 'invalid_field', /60s/);
  }
  const future = Buffer.from('c1:log999999').toString('base64url');
  assertProblem(await get(`after=${future}`), 'invalid_cursor', /restored from a backup/);
});

test('streams what there is and what comes, and goes on where somebody left off', async () => {
  const { next_cursor: here } = await pull('after=now');
  const first = await append();
  const stream = await openStream(`after=${here}`);
  assert.match(String(stream.response.headers.get('content-type')), /^text\/event-stream/);
  const frame = await stream.next();
  assert.equal(frame?.['event'], 'email.opened');
  assert.deepEqual(
    JSON.parse(frame?.['data'] ?? ''),
    (await api.send('GET', `/v1/events/${first}`)).body,
  );
  const [second, third] = [await append(), await append()];
  assert.equal(JSON.parse((await stream.next())?.['data'] ?? '').id, second);
  stream.abort();
  const later = await openStream('after=start', { 'last-event-id': frame?.['id'] ?? '' });
  assert.equal(JSON.parse((await later.next())?.['data'] ?? '').id, second);
  assert.equal(JSON.parse((await later.next())?.['data'] ?? '').id, third);
  later.abort();
});

test('filters a stream as it filters a list, and begins with what comes next', async () => {
  await append({ type: 'email.complained' });
  const stream = await openStream('type=email.complained');
  await append({ type: 'email.complained' }, api.otherKey);
  await append();
  const wanted = await append({ type: 'email.complained' });
  assert.equal(JSON.parse((await stream.next())?.['data'] ?? '').id, wanted);
  stream.abort();
});

test('lets only so many of a project wait, and takes the next when one has gone', async () => {
  // Those of the tests before have to be gone first.
  await until('a place is free', async () => {
    const probe = await openStream();
    probe.abort();
    return probe.response.status === 200;
  });
  const streams: Awaited<ReturnType<typeof openStream>>[] = [];
  await until('two streams are open', async () => {
    const stream = await openStream();
    if (stream.response.status === 200) streams.push(stream);
    return streams.length === 2;
  });
  const refused = await openStream();
  assert.equal(refused.response.status, 429);
  assert.match(String(refused.response.headers.get('retry-after')), /^\d+$/);
  streams.pop()?.abort();
  await until('the place is free again', async () => {
    const next = await openStream();
    if (next.response.status === 200) streams.push(next);
    return next.response.status === 200;
  });
  for (const stream of streams) stream.abort();
});

test('at shutdown streams end and nobody waits', async () => {
  let stream = await openStream();
  await until('a place is free', async () => {
    if (stream.response.status !== 200) stream = await openStream();
    return stream.response.status === 200;
  });
  const waiting = pull('after=now&wait=60s');
  api.notifier.close();
  assert.equal(await stream.next(), null);
  const answer = await waiting;
  // It found a place and was told at once, or found none; it did not wait.
  assert.ok(answer.code === 'rate_limited' || answer.data.length === 0);
});
