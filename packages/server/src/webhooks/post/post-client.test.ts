import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { setDefaultCACertificates } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { createAddressGuard } from '../../lib/address-guard.ts';
import { createTestClock, type TestClock, turn, until } from '../../lib/fixtures/test-clock.ts';
import { TEST_CERTIFICATE } from '../../smtp/fixtures/test-certificate.ts';
import { makeCertificate } from '../fixtures/make-certificate.ts';
import { startRawServer } from '../fixtures/raw-server.ts';
import { createPostClient } from './post-client.ts';
import type { PostResult } from './post-result.ts';
import { parseTarget } from './post-target.ts';
import { MAX_RESPONSE_BYTES } from './response-excerpt.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const TIMEOUT_MS = 15_000;

type Setup = Partial<Parameters<typeof createPostClient>[0]> & { clock?: TestClock };

/** A client, and `post` to send one small body by it. */
function setUp(t: TestContext, setup: Setup = {}) {
  const { clock = createTestClock(0) } = setup;
  const client = createPostClient({
    guard: createAddressGuard(['loopback']),
    connectionsPerOrigin: 4,
    ...setup,
    clock,
  });
  t.after(() => client.close());
  const post = (
    url: string,
    body = '{"id":"evt_1"}',
    timeoutMs = TIMEOUT_MS,
  ): Promise<PostResult> =>
    client.post({
      target: parseTarget(url),
      headers: ['content-type', 'application/json', 'webhook-id', 'evt_1'],
      body: Buffer.from(body),
      timeoutMs,
      startedAtMs: clock.now(),
    });
  return { client, clock, post };
}

/** Answers every name with these addresses, one list a look-up, the last one for ever. */
function fakeLookup(...answers: string[][]) {
  const asked: string[] = [];
  const lookup = ((
    hostname: string,
    _options: unknown,
    callback: (error: Error | null, found: LookupAddress[]) => void,
  ) => {
    const answer = answers[Math.min(asked.push(hostname), answers.length) - 1] ?? [];
    const found = answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    queueMicrotask(() => callback(null, found));
  }) as Setup['lookup'];
  return { lookup, asked };
}

test('a 2xx is a success, and the request on the wire is what was asked for', async (t) => {
  const server = await startRawServer(t, (socket) => {
    socket.write('HTTP/1.1 202 Accepted\r\ncontent-length: 6\r\n\r\nthanks');
  });
  const { post } = setUp(t);
  const result = await post(`${server.origin}/hook?a=1&b=%20`, '{"name":"Mília"}');
  assert.deepEqual(result, {
    status: 202,
    errorCode: null,
    errorDetail: null,
    retryAfter: null,
    responseExcerpt: 'thanks',
    responseHeaders: ['content-length', '6'],
    timing: {
      dnsMs: null,
      connectMs: 0,
      tlsMs: null,
      firstByteMs: 0,
      remoteAddress: '127.0.0.1',
      reused: false,
    },
    latencyMs: 0,
  });
  const [request = ''] = server.requests;
  assert.match(request, /^POST \/hook\?a=1&b=%20 HTTP\/1\.1\r\n/);
  assert.match(request, new RegExp(`\r\nhost: 127\\.0\\.0\\.1:${server.port}\r\n`, 'i'));
  assert.match(request, /\r\nwebhook-id: evt_1\r\n/);
  assert.equal(Buffer.from(request, 'latin1').toString().split('\r\n\r\n')[1], '{"name":"Mília"}');
});

test('redirects are not followed, whatever their code', async (t) => {
  const elsewhere = await startRawServer(t, (socket) => socket.write(OK));
  for (const status of [301, 302, 303, 307, 308, 304]) {
    const server = await startRawServer(t, (socket) => {
      const head = `HTTP/1.1 ${status} Moved\r\nlocation: ${elsewhere.origin}/\r\n`;
      socket.write(`${head}content-length: 0\r\n\r\n`);
    });
    const result = await setUp(t).post(server.origin);
    assert.equal(result.errorCode, 'redirect');
    assert.equal(result.status, status);
  }
  assert.equal(elsewhere.connections, 0);
});

test('410 is its own code; other refusals carry their status and Retry-After', async (t) => {
  const answers = [
    ['HTTP/1.1 410 Gone\r\n', 'gone', null],
    ['HTTP/1.1 500 Oops\r\nRetry-After: 120\r\n', 'http_status', '120'],
    ['HTTP/1.1 503 Busy\r\nretry-after: 7\r\nretry-after: 9\r\n', 'http_status', '7'],
    ['HTTP/1.1 404 No\r\n', 'http_status', null],
  ] as const;
  for (const [head, code, retryAfter] of answers) {
    const server = await startRawServer(t, (socket) => {
      socket.write(`${head}content-length: 2\r\n\r\nno`);
    });
    const result = await setUp(t).post(server.origin);
    assert.equal(result.errorCode, code);
    assert.equal(result.status, Number(head.slice(9, 12)));
    assert.equal(result.retryAfter, retryAfter);
    assert.equal(result.responseExcerpt, 'no');
  }
});

test('what the network does to a connection is named', async (t) => {
  const cases: [string, (socket: Socket) => void, string[]][] = [
    ['reset before headers', (socket) => socket.resetAndDestroy(), ['connection_reset']],
    ['closed without a word', (socket) => socket.end(), ['connection_closed']],
    [
      'closed within the body',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'),
      ['connection_closed', 'invalid_response'],
    ],
    ['garbage', (socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'), ['invalid_response']],
    ['binary garbage', (socket) => socket.end(Buffer.alloc(64, 0xff)), ['invalid_response']],
    [
      'two lengths',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'),
      ['invalid_response'],
    ],
    [
      'huge headers',
      (socket) => socket.write(`HTTP/1.1 200 OK\r\nx-large: ${'x'.repeat(100_000)}\r\n\r\n`),
      ['invalid_response'],
    ],
    [
      'an upgrade that nobody asked for',
      (socket) =>
        socket.write('HTTP/1.1 101 Hi\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
      ['connection_closed', 'invalid_response'],
    ],
  ];
  for (const [name, answer, codes] of cases) {
    const server = await startRawServer(t, answer);
    const result = await setUp(t).post(server.origin);
    assert.ok(codes.includes(result.errorCode ?? 'none'), `${name}: ${result.errorCode}`);
    assert.notEqual(result.errorDetail, '', name);
    await until(`${name}: we hung up`, () => server.closed === 1);
  }
});

test('a reset after the headers is a failure although the status was 200', async (t) => {
  const server = await startRawServer(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf', () => {
      setImmediate(() => socket.resetAndDestroy());
    });
  });
  const result = await setUp(t).post(server.origin);
  assert.equal(result.errorCode, 'connection_reset');
});

test('a refused connection is named', async (t) => {
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  const result = await setUp(t).post(`http://127.0.0.1:${port}/`);
  assert.equal(result.errorCode, 'connection_refused');
  assert.equal(result.status, null);
});

test('one deadline covers everything: no headers, a slow body, a look-up without an answer', async (t) => {
  const silent = await startRawServer(t, () => {});
  const dripping = await startRawServer(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\na');
    const drip = (): void => {
      if (!socket.destroyed) socket.write('a', () => setImmediate(drip));
    };
    setImmediate(drip);
  });
  for (const server of [silent, dripping]) {
    const { post, clock } = setUp(t);
    const pending = post(server.origin);
    await until('the request is there', () => server.requests.length === 1);
    await clock.advance(TIMEOUT_MS - 1);
    assert.equal(server.closed, 0);
    await clock.advance(1);
    const result = await pending;
    assert.equal(result.errorCode, 'timeout');
    assert.equal(result.latencyMs, TIMEOUT_MS);
    await until('we hung up', () => server.closed === 1);
  }
  const lookup = (() => {}) as unknown as Setup['lookup'];
  const { post, clock } = setUp(t, lookup === undefined ? {} : { lookup });
  const pending = post('http://app.example.com/');
  await clock.advance(TIMEOUT_MS);
  assert.equal((await pending).errorCode, 'dns_error');
});

test('a post whose deadline passed while it waited for a connection is never sent', async (t) => {
  const server = await startRawServer(t, () => {});
  const { post, clock } = setUp(t, { connectionsPerOrigin: 1 });
  const first = post(server.origin, '{"n":1}');
  const second = post(server.origin, '{"n":2}', TIMEOUT_MS - 1);
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
    const result = await setUp(t).post(server.origin);
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
  const result = await setUp(t).post(server.origin);
  assert.equal(result.errorCode, null);
  assert.ok((result.responseExcerpt?.length ?? 0) <= MAX_RESPONSE_BYTES);
  assert.doesNotMatch(server.requests[0] ?? '', /accept-encoding/i);
});

test('an informational answer is passed over', async (t) => {
  const server = await startRawServer(t, (socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n');
    socket.write('HTTP/1.1 102 Processing\r\n\r\n');
    setImmediate(() => socket.write(OK));
  });
  const result = await setUp(t).post(server.origin);
  assert.deepEqual([result.status, result.errorCode], [200, null]);
});

test('a success that is only announced is no success', async (t) => {
  const server = await startRawServer(t, (socket) => socket.end('HTTP/1.1 103 Hints\r\n\r\n'));
  const result = await setUp(t).post(server.origin);
  assert.equal(result.errorCode, 'connection_closed');
});

test('an unasked 100 Continue costs one connection, not the client', async (t) => {
  const server = await startRawServer(t, (socket, number) => {
    socket.write(number === 1 ? `HTTP/1.1 100 Continue\r\n\r\n${OK}` : OK);
  });
  const { post } = setUp(t);
  const first = await post(server.origin);
  assert.ok(first.errorCode === null || first.errorCode === 'connection_closed');
  assert.equal((await post(server.origin)).errorCode, null);
});

test('posts in a row share connections', async (t) => {
  const server = await startRawServer(t, (socket) => socket.write(OK));
  const { post } = setUp(t);
  for (let i = 0; i < 20; i++) assert.equal((await post(server.origin)).errorCode, null);
  // undici lets a connection go a moment after the answer, so a second one may come about.
  assert.ok(server.connections <= 2, `${server.connections} connections`);
  assert.equal(server.requests.length, 20);
});

test('a connection that the server closed while it was idle is replaced', async (t) => {
  const server = await startRawServer(t, (socket) => socket.end(OK));
  const { post } = setUp(t);
  for (let i = 1; i <= 3; i++) {
    assert.equal((await post(server.origin)).errorCode, null);
    await until('it is closed', () => server.closed === i);
    await turn();
  }
  assert.equal(server.connections, 3);
});

test('closing the client aborts what is under way and what comes later', async (t) => {
  const server = await startRawServer(t, () => {});
  const { client, post } = setUp(t, { connectionsPerOrigin: 1 });
  const pending = [post(server.origin), post(server.origin)];
  await until('the first is there', () => server.requests.length === 1);
  await client.close();
  for (const result of await Promise.all(pending)) assert.equal(result.errorCode, 'aborted');
  assert.equal((await post(server.origin)).errorCode, 'aborted');
});

/** The forms of lib/address-guard.test.ts as a URL can write them, and names of this machine. */
const FORBIDDEN_HOSTS = [
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '017700000001',
  '%31%32%37.0.0.1',
  '１２７.0.0.1',
  '127。0。0。1',
  '0',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '169.254.169.254',
  '0xa9fea9fe',
  '100.64.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '[::]',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b::169.254.169.254]',
  '[64:ff9b:1::a00:1]',
  '[2002:7f00:1::]',
  '[2002:a9fe:a9fe::1]',
  '[2001:0:4136:e378:8000:63bf:f5ff:fffe]',
  '[2001:db8::1]',
  '[fc00::1]',
  '[fe80::1]',
  '[fec0::1]',
  '[ff02::1]',
  '[4000::1]',
  'localhost',
  'LOCALHOST',
  'localhost.',
  'app.localhost',
  'user:secret@127.0.0.1',
  'example.com@127.0.0.1',
];

test('every way to write a forbidden address is refused without a connection or a look-up', async (t) => {
  const server = await startRawServer(t, (socket) => socket.write(OK));
  const { lookup, asked } = fakeLookup(['127.0.0.1']);
  const { post } = setUp(t, { guard: createAddressGuard([]), ...(lookup && { lookup }) });
  for (const host of FORBIDDEN_HOSTS) {
    for (const scheme of ['http', 'https']) {
      const result = await post(`${scheme}://${host}:${server.port}/`);
      assert.equal(result.errorCode, 'address_not_allowed', host);
      assert.notEqual(result.errorDetail, null);
    }
  }
  assert.deepEqual(asked, []);
  assert.equal(server.connections, 0);
});

test('a name that leads to a forbidden address is refused without a connection', async (t) => {
  const server = await startRawServer(t, (socket) => socket.write(OK));
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', '169.254.169.254']) {
    const { lookup } = fakeLookup([address]);
    const { post } = setUp(t, { guard: createAddressGuard([]), ...(lookup && { lookup }) });
    const result = await post(`http://rebind.example.com:${server.port}/`);
    assert.equal(result.errorCode, 'address_not_allowed', address);
    assert.match(result.errorDetail ?? '', /rebind\.example\.com/);
  }
  assert.equal(server.connections, 0);
});

test('a name whose address turns private after the first look-up is never dialled there', async (t) => {
  // "Public" is 127.0.0.2 here, the only forbidden address of this guard is 127.0.0.1.
  const server = await startRawServer(t, (socket) => socket.end(OK));
  const guard = {
    refuse: (address: string) => (address === '127.0.0.2' ? null : `${address} is private`),
  };
  const { lookup, asked } = fakeLookup(['127.0.0.2'], ['127.0.0.1']);
  const { post } = setUp(t, { guard, ...(lookup && { lookup }) });
  const first = await post(`http://rebind.example.com:${server.port}/`);
  // The server listens on 127.0.0.1 alone: what was dialled was the address that was checked.
  assert.equal(first.errorCode, 'connection_refused');
  const second = await post(`http://rebind.example.com:${server.port}/`);
  assert.equal(second.errorCode, 'address_not_allowed');
  assert.equal(asked.length, 2);
  assert.equal(server.connections, 0);
});

test('of several addresses only the allowed ones are dialled, whatever their order', async (t) => {
  const server = await startRawServer(t, (socket) => socket.write(OK));
  const guard = {
    refuse: (address: string) => (address === '127.0.0.2' ? null : `${address} is private`),
  };
  for (const both of [
    ['127.0.0.2', '127.0.0.1'],
    ['127.0.0.1', '127.0.0.2'],
    ['::1', '127.0.0.1', '127.0.0.2'],
  ]) {
    const { lookup } = fakeLookup(both);
    const { post } = setUp(t, { guard, ...(lookup && { lookup }) });
    const result = await post(`http://rebind.example.com:${server.port}/`);
    assert.equal(result.errorCode, 'connection_refused');
  }
  assert.equal(server.connections, 0);
});

test('a name that does not exist is named so', async (t) => {
  for (const [code, expected] of [
    ['ENOTFOUND', 'dns_not_found'],
    ['EAI_AGAIN', 'dns_error'],
  ] as const) {
    const lookup = ((_h: string, _o: unknown, callback: (error: Error) => void) =>
      callback(Object.assign(new Error(code), { code }))) as unknown as Setup['lookup'];
    const { post } = setUp(t, lookup === undefined ? {} : { lookup });
    assert.equal((await post('https://nowhere.example.com/')).errorCode, expected);
  }
});

test('a self-signed certificate is refused unless it was named as one to trust', async (t) => {
  const { key, cert } = TEST_CERTIFICATE;
  const server = await startRawServer(t, (socket) => socket.write(OK), { key, cert });
  const refused = await setUp(t).post(server.origin);
  assert.equal(refused.errorCode, 'certificate_untrusted');
  assert.equal(server.requests.length, 0);
  const accepted = await setUp(t, { ca: cert }).post(server.origin);
  assert.deepEqual([accepted.errorCode, accepted.status], [null, 200]);
});

test('a certificate of another name is refused', async (t) => {
  const { key, cert } = TEST_CERTIFICATE;
  const server = await startRawServer(t, (socket) => socket.write(OK), { key, cert });
  const { lookup } = fakeLookup(['127.0.0.1']);
  const { post } = setUp(t, { ca: cert, ...(lookup && { lookup }) });
  const wrong = await post(`https://app.example.com:${server.port}/`);
  assert.equal(wrong.errorCode, 'hostname_mismatch');
  const right = await post(`https://mx.test:${server.port}/`);
  assert.equal(right.errorCode, null);
});

test('certificates to trust come beside the usual ones, not in their place', async (t) => {
  const usual = makeCertificate('usual.test');
  const server = await startRawServer(t, (socket) => socket.write(OK), usual);
  setDefaultCACertificates([usual.cert]);
  const { lookup } = fakeLookup(['127.0.0.1']);
  const { post } = setUp(t, { ca: TEST_CERTIFICATE.cert, ...(lookup && { lookup }) });
  assert.equal((await post(`https://usual.test:${server.port}/`)).errorCode, null);
});

test('plain HTTP to a TLS port fails, and TLS to a plain one is a TLS error', async (t) => {
  const { key, cert } = TEST_CERTIFICATE;
  const tls = await startRawServer(t, (socket) => socket.write(OK), { key, cert });
  const plain = await startRawServer(t, () => {}, undefined, 'HTTP/1.1 400 Bad Request\r\n\r\n');
  const { post } = setUp(t);
  assert.notEqual((await post(`http://127.0.0.1:${tls.port}/`)).errorCode, null);
  assert.equal((await post(`https://127.0.0.1:${plain.port}/`)).errorCode, 'tls_error');
});
