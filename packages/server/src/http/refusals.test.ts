import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import type { StoreHealth } from '../store/engine.ts';
import { assertNoLeak, assertProblem, startTestApi } from './fixtures/test-api.ts';
import { problemSchema } from './openapi.ts';

const api = await startTestApi();
await api.app.listen({ host: '127.0.0.1', port: 0 });
const { port } = api.app.server.address() as AddressInfo;
after(() => api.close());

const MESSAGE = { from: 'a@example.com', to: 'b@example.com', text: 'x' };

test('what is not there is a problem, and so is a path with a wrong percent sign', async () => {
  for (const path of [
    '/v1',
    '/v1/',
    '/v2/messages',
    '/v1/messages/x/y',
    '/v1/message',
    '/docs/',
    '/favicon.ico',
  ]) {
    assertProblem(await api.send('GET', path), 'not_found', /\/docs/);
  }
  for (const path of ['/%', '/v1/messages/%zz', '/v1/events/%E0%A4%A', '/%ff']) {
    assertProblem(await api.send('GET', path), 'bad_request', /percent/);
  }
  assertProblem(await api.send('GET', `/v1/messages/${'x'.repeat(5_000)}`), 'not_found');
});

test('a method that does not work names those that do', async () => {
  const cases: [string, string, string][] = [
    ['PUT', '/v1/messages', 'POST, GET'],
    ['DELETE', '/v1/messages', 'POST, GET'],
    ['POST', '/v1/endpoints/ep_1', 'GET, PATCH, DELETE'],
    ['GET', '/v1/deliveries/x/retry', 'POST'],
    ['OPTIONS', '/v1/events', 'POST, GET'],
    ['POST', '/healthz', 'GET'],
    ['PATCH', '/docs', 'GET'],
  ];
  for (const [method, path, allow] of cases) {
    const answer = await api.send(method, path);
    assertProblem(answer, 'method_not_allowed');
    assert.equal(answer.headers['allow'], allow);
  }
});

/** Sends these bytes, and gives all that comes until the server closes. */
async function exchange(bytes: string | Uint8Array): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(bytes);
  let received = '';
  for await (const chunk of socket.setEncoding('latin1')) received += chunk;
  return received;
}

function assertRawProblem(received: string, status: number): void {
  assertNoLeak(received);
  assert.match(received, new RegExp(`^HTTP/1\\.1 ${status} `), received.slice(0, 200));
  assert.match(received, /\r\ncontent-type: application\/problem\+json/i);
  const body = received.slice(received.indexOf('\r\n\r\n') + 4);
  const problem = problemSchema.parse(JSON.parse(body));
  assert.equal(problem.status, status);
  assert.ok(problem.request_id.startsWith('req_'));
  assert.ok(received.includes(problem.request_id) && problem.detail.length > 10);
}

test('rubbish on the socket gets a problem, and the server stays up', async () => {
  const rubbish = [
    'EHLO mail.example.com\r\n\r\n',
    '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001',
    Buffer.from([0x80, 0xff, 0x00, 0x0d, 0x0a, 0x0d, 0x0a]),
    'GET / HTTP/9.9\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nX: a\u0000b\r\n\r\n',
    'POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
    'POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    'POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'GET / HTTP/1.1\r\n\tfolded: x\r\n\r\n',
  ];
  for (const bytes of rubbish) assertRawProblem(await exchange(bytes), 400);
  const close = 'Connection: close\r\n';
  assertRawProblem(await exchange(`GET /%zz HTTP/1.1\r\nHost: a\r\n${close}\r\n`), 400);
  assertRawProblem(await exchange(`GET /healthz HTTP/1.1\r\n${close}\r\n`), 400);
  assertRawProblem(await exchange(`BREW / HTTP/1.1\r\nHost: a\r\n${close}\r\n`), 400);
  assertRawProblem(
    await exchange(`PROPFIND /v1/messages HTTP/1.1\r\nHost: a\r\n${close}\r\n`),
    405,
  );
  assert.equal((await api.send('GET', '/healthz')).status, 200);
});

test('a request that stops on its way gets 408, and a connection without one is closed', async () => {
  const timeout = Object.assign(new Error('too slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
  const { server } = api.app;
  // The signal that Node gives after a minute.
  server.once('connection', (socket) => {
    socket.once('data', () => setImmediate(() => server.emit('clientError', timeout, socket)));
  });
  assertRawProblem(await exchange('POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-'), 408);
  server.once('connection', (socket) => server.emit('clientError', timeout, socket));
  assert.equal(await exchange(''), '');
});

test('headers that are too large, and a body that is announced so, get 413', async () => {
  const head = 'GET /healthz HTTP/1.1\r\nHost: a\r\n';
  assertRawProblem(await exchange(`${head}X-Large: ${'x'.repeat(40_000)}\r\n\r\n`), 413);
  assertRawProblem(await exchange(`GET /${'x'.repeat(40_000)} HTTP/1.1\r\nHost: a\r\n\r\n`), 413);
  const post = `POST /v1/endpoints HTTP/1.1\r\nHost: a\r\nX-Api-Key: ${api.key}\r\nContent-Type: application/json\r\n`;
  assertRawProblem(
    await exchange(`${post}Content-Length: 99999999\r\nConnection: close\r\n\r\n{`),
    413,
  );
  // Who may not come in does not get a body read.
  const stranger = post.replace(api.key, 'phk_wrong');
  assertRawProblem(
    await exchange(`${stranger}Content-Length: 99999999\r\nConnection: close\r\n\r\n{`),
    401,
  );
});

test('a client that leaves in the middle of its body does no harm', async () => {
  const socket = connect(port, '127.0.0.1');
  const head = `POST /v1/messages HTTP/1.1\r\nHost: a\r\nX-Api-Key: ${api.key}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n`;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(`${head}{"from": `, () => socket.resetAndDestroy());
  await closed;
  assert.deepEqual((await api.send('GET', '/v1/messages')).body.data, []);
});

test('a key has a rate, says what is left of it, and is refused beyond it', async () => {
  const slow = await startTestApi({ ratePerSecond: 2 });
  try {
    const left: unknown[] = [];
    for (let i = 0; i < 4; i++) {
      const answer = await slow.send('GET', '/v1/events');
      assert.equal(answer.status, 200);
      left.push(answer.headers['ratelimit-remaining']);
      assert.match(String(answer.headers['ratelimit-reset']), /^\d+$/);
    }
    assert.deepEqual(left.map(Number), [3, 2, 1, 0]);
    for (const [method, path] of [
      ['GET', '/v1/events'],
      ['POST', '/v1/messages'],
    ] as const) {
      const body = method === 'POST' ? { body: MESSAGE } : {};
      const answer = await slow.send(method, path, body);
      assertProblem(answer, 'rate_limited', /batches/);
      assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/);
      assert.equal(String(answer.headers['ratelimit-remaining']), '0');
    }
    // Another key has a rate of its own, and who watches needs none.
    assert.equal((await slow.send('GET', '/v1/events', { key: slow.otherKey })).status, 200);
    assert.equal((await slow.send('GET', '/readyz')).status, 200);
  } finally {
    await slow.close();
  }
});

test('a store that takes nothing refuses what would write, still reads, and says so to watchers', async () => {
  let health: StoreHealth = { ok: true };
  const sick = await startTestApi({ health: () => health });
  try {
    await sick.send('POST', '/v1/messages', { body: MESSAGE });
    health = { ok: false, code: 'disk_full', detail: 'The disk is full.' };
    for (const [path, body] of [
      ['/v1/messages', MESSAGE],
      ['/v1/events', { type: 'email.opened', timestamp: '2026-11-21T16:00:00Z', data: {} }],
      ['/v1/endpoints', { url: 'https://app.example.com/' }],
    ] as const) {
      const answer = await sick.send('POST', path, { body });
      assertProblem(answer, 'store_unavailable', /disk is full/);
      assert.equal(String(answer.headers['retry-after']), '5');
    }
    const ready = await sick.send('GET', '/readyz');
    assert.equal(ready.status, 503);
    assert.deepEqual(ready.body, {
      status: 'unready',
      store: 'disk_full',
      detail: 'The disk is full.',
    });
    assert.equal((await sick.send('GET', '/healthz')).status, 200);
    assert.match((await sick.send('GET', '/metrics')).text, /^posthorn_store_up 0$/m);
    assert.equal((await sick.send('GET', '/v1/messages')).body.data.length, 1);
    health = { ok: true };
    assert.equal((await sick.send('POST', '/v1/messages', { body: MESSAGE })).status, 202);
  } finally {
    await sick.close();
  }
});

test('a store that has reached its size says so, and keeps what it has accepted', async () => {
  const small = await startTestApi({ maxSizeBytes: 600_000 });
  try {
    const accepted: string[] = [];
    let refusal = await small.send('POST', '/v1/messages', { body: MESSAGE });
    for (let i = 0; i < 200 && refusal.status === 202; i++) {
      accepted.push(refusal.body.id);
      const body = { ...MESSAGE, text: 'x'.repeat(20_000) };
      refusal = await small.send('POST', '/v1/messages', { body });
    }
    assertProblem(refusal, 'store_unavailable');
    assert.ok(accepted.length > 1);
    assert.equal((await small.send('GET', '/readyz')).status, 503);
    for (const id of accepted)
      assert.equal((await small.send('GET', `/v1/messages/${id}`)).status, 200);
    const { data } = (await small.send('GET', '/v1/messages?limit=100')).body;
    assert.equal(data.length, accepted.length);
  } finally {
    await small.close();
  }
});
