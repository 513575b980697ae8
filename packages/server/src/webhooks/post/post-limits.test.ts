import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { turn, until } from '../../lib/fixtures/test-clock.ts';
import { startRawServer } from '../fixtures/raw-server.ts';
import { type fakeLookup, setUpPostClient, TIMEOUT_MS } from './fixtures/set-up-post-client.ts';
import { MAX_RESPONSE_BYTES } from './response-excerpt.ts';

/** Writes one piece after another, as fast as the event loop turns, until the other side hangs up. */
function drip(socket: Socket, first: string, piece: string): void {
  if (socket.destroyed) return;
  socket.write(first, () => setImmediate(() => drip(socket, piece, piece)));
}

const OK_HEAD = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK_HEAD}transfer-encoding: chunked\r\n\r\n`;
const FIVE_GB = `${OK_HEAD}content-length: 5000000000\r\n\r\n`;

/** Each takes for ever in its own way. Last comes the first character of the excerpt. */
const ENDLESS: readonly [string, (socket: Socket) => void, string | null][] = [
  ['no answer', () => {}, null],
  ['half a status line', (socket) => socket.write('HTTP/1.1 2'), null],
  ['headers in drops', (socket) => drip(socket, `${OK_HEAD}x: `, 'a'), null],
  ['a 100 in drops', (socket) => drip(socket, 'HTTP/1.1 100 Continue\r\nx: ', 'a'), null],
  ['a body in drops', (socket) => drip(socket, FIVE_GB, 'a'), 'a'],
  ['chunks of one byte', (socket) => drip(socket, CHUNKED, '1\r\na\r\n'), 'a'],
];

test('one deadline covers everything that an endpoint can draw out', async (t) => {
  for (const [what, answer, first] of ENDLESS) {
    const server = await startRawServer(t, answer);
    const { post, clock } = setUpPostClient(t);
    const pending = post(server.origin);
    await until('the request is there', () => server.requests.length === 1);
    await clock.advance(TIMEOUT_MS - 1);
    assert.equal(server.closed, 0, what);
    await clock.advance(1);
    const result = await pending;
    assert.equal(result.errorCode, 'timeout', what);
    assert.equal(result.latencyMs, TIMEOUT_MS);
    assert.equal(result.responseExcerpt?.[0] ?? null, first, what);
    await until('we hung up', () => server.closed === 1);
  }
});

test('informational answers without end are no answer', async (t) => {
  for (const [line, code] of [
    ['102 Processing', 'invalid_response'],
    ['100 Continue', 'connection_closed'],
  ] as const) {
    const information = `HTTP/1.1 ${line}\r\n\r\n`;
    const server = await startRawServer(t, (socket) => drip(socket, information, information));
    const { errorCode, status } = await setUpPostClient(t).post(server.origin);
    assert.deepEqual([errorCode, status], [code, null]);
    await until('we hung up', () => server.closed === 1);
  }
});

test('a look-up that does not end is a fault of ours', async (t) => {
  const lookup = (() => {}) as unknown as ReturnType<typeof fakeLookup>['lookup'];
  const { post, clock } = setUpPostClient(t, { lookup });
  const pending = post('http://app.example.com/');
  await clock.advance(TIMEOUT_MS);
  const result = await pending;
  assert.equal(result.errorCode, 'dns_error');
  assert.equal(result.errorDetail, 'The name was not looked up within 15000 ms.');
});

test('a handshake that does not end is given up at the deadline, and makes room', async (t) => {
  const silent = await startRawServer(t, () => {});
  const { post, clock } = setUpPostClient(t, { connectionsPerOrigin: 1 });
  for (let round = 1; round <= 2; round++) {
    const pending = post(`https://127.0.0.1:${silent.port}/`);
    await until('we are connected', () => silent.connections === round);
    await clock.advance(TIMEOUT_MS);
    const { errorCode, errorDetail, timing } = await pending;
    assert.equal(errorCode, 'timeout');
    assert.match(errorDetail ?? '', /within 15000 ms: the TLS handshake did not end\.$/);
    assert.deepEqual([timing?.tlsMs, timing?.firstByteMs], [null, null]);
    await until('we hung up', () => silent.closed === round);
  }
});

test('a post whose deadline passed while it waited for a connection is never sent', async (t) => {
  const server = await startRawServer(t, () => {});
  const { post, clock } = setUpPostClient(t, { connectionsPerOrigin: 1 });
  const first = post(server.origin, { body: '{"n":1}' });
  const second = post(server.origin, { body: '{"n":2}', timeoutMs: TIMEOUT_MS - 1 });
  await until('the first is there', () => server.requests.length === 1);
  await clock.advance(TIMEOUT_MS);
  assert.deepEqual([(await first).errorCode, (await second).errorCode], ['timeout', 'timeout']);
  await until('we hung up', () => server.closed >= 1);
  for (let i = 0; i < 50; i++) await turn();
  assert.equal(server.requests.length, 1);
});

test('of an endless answer 16 kB are kept, and we hang up; its status counts', async (t) => {
  for (const [status, code] of [
    [200, null],
    [500, 'http_status'],
  ] as const) {
    let written = 0;
    const server = await startRawServer(t, (socket) => {
      socket.write(`HTTP/1.1 ${status} Any\r\n\r\n`);
      const pour = (): void => {
        if (socket.destroyed) return;
        written += 65_536;
        socket.write('x'.repeat(65_536), () => setImmediate(pour));
      };
      pour();
    });
    const result = await setUpPostClient(t).post(server.origin);
    assert.equal(result.errorCode, code);
    assert.equal(result.responseExcerpt?.length, MAX_RESPONSE_BYTES);
    await until('we hung up', () => server.closed === 1);
    assert.ok(written < 50_000_000);
  }
});

test('a compressed answer is not inflated', async (t) => {
  const bomb = gzipSync(Buffer.alloc(10_000_000));
  const server = await startRawServer(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n');
    socket.write(`content-length: ${bomb.length}\r\n\r\n`);
    socket.write(bomb);
  });
  const result = await setUpPostClient(t).post(server.origin);
  assert.equal(result.errorCode, null);
  assert.ok((result.responseExcerpt?.length ?? 0) <= MAX_RESPONSE_BYTES);
  assert.doesNotMatch(server.requests[0] ?? '', /accept-encoding/i);
});

test('an answer in thousands of small pieces is kept in one', async (t) => {
  const text = Array.from({ length: 4_000 }, (_, i) => `${i},`).join('');
  const server = await startRawServer(t, async (socket) => {
    socket.setNoDelay(true);
    socket.write(`${OK_HEAD}content-length: ${text.length}\r\n\r\n`);
    for (let i = 0; i < text.length; i += 7) {
      socket.write(text.slice(i, i + 7));
      if (i % 70 === 0) await turn();
    }
  });
  const result = await setUpPostClient(t).post(server.origin);
  assert.equal(result.responseExcerpt, text.slice(0, MAX_RESPONSE_BYTES));
});
