import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import test from 'node:test';
import { turn, until } from '../../lib/fixtures/test-clock.ts';
import { startRawServer } from '../fixtures/raw-server.ts';
import { fakeLookup, lookupError, OK, setUpPostClient } from './fixtures/set-up-post-client.ts';

test('a 2xx is a success, and the request on the wire is what was asked for', async (t) => {
  const server = await startRawServer(t, (socket) => {
    socket.write('HTTP/1.1 202 Accepted\r\ncontent-length: 6\r\n\r\nthanks');
  });
  const { post } = setUpPostClient(t);
  const result = await post(`${server.origin}/hook?a=1&b=%20`, { body: '{"name":"Mília"}' });
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
    const result = await setUpPostClient(t).post(server.origin);
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
    const result = await setUpPostClient(t).post(server.origin);
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
    const result = await setUpPostClient(t).post(server.origin);
    assert.ok(codes.includes(result.errorCode ?? 'none'), `${name}: ${result.errorCode}`);
    assert.notEqual(result.errorDetail, '', name);
    await until(`${name}: we hung up`, () => server.closed === 1);
  }
});

test('the headers of an answer are kept in their order, as far as 8 kB go', async (t) => {
  const answers = [
    ['', []],
    [
      'X-B: 2\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-A: J\u00fcrgen\r\nX-Empty:\r\n',
      ['x-b', '2', 'set-cookie', 'a=1', 'set-cookie', 'b=2', 'x-a', 'J\u00fcrgen', 'x-empty', ''],
    ],
    [`x-long: ${'a'.repeat(9_000)}\r\nx-late: 1\r\n`, ['x-long', 'a'.repeat(8_192 - 6)]],
    [
      `x-1: ${'a'.repeat(5_000)}\r\nx-2: ${'b'.repeat(5_000)}\r\n`,
      ['x-1', 'a'.repeat(5_000), 'x-2', 'b'.repeat(8_192 - 5_006)],
    ],
  ] as const;
  const server = await startRawServer(t, (socket, number) => {
    const [head] = answers[number - 1] ?? [''];
    socket.write(Buffer.from(`HTTP/1.1 204 No Content\r\n${head}\r\n`, 'latin1'));
  });
  const { post } = setUpPostClient(t);
  for (const [, expected] of answers) {
    assert.deepEqual((await post(server.origin)).responseHeaders, expected);
  }
});

test('an answer that is no text is shown as a note; a NUL is never kept', async (t) => {
  const answers = [
    [
      'image/png',
      Buffer.from('89504e470d0a1a0a', 'hex'),
      '[No text: 8 bytes, image/png. In base64: iVBORw0KGgo=]',
    ],
    ['text/html; charset=iso-8859-1', Buffer.from('f\u00fcr', 'latin1'), 'f\u00fcr'],
    ['text/plain', Buffer.from('a\u0000b\u0000'), 'ab'],
    ['application/json', Buffer.from('{"ok":true}'), '{"ok":true}'],
    ['text/plain', Buffer.from('\u0000'), null],
  ] as const;
  const server = await startRawServer(t, (socket, number) => {
    const [type, body = ''] = answers[number - 1] ?? [];
    socket.write(
      `HTTP/1.1 500 Oops\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    socket.write(body);
  });
  const { post } = setUpPostClient(t);
  for (const [, , expected] of answers) {
    assert.equal((await post(server.origin)).responseExcerpt, expected);
  }
});

test('a NUL in the headers of an answer is no HTTP', async (t) => {
  const server = await startRawServer(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nx-a: 1\u00002\r\ncontent-length: 0\r\n\r\n');
  });
  const result = await setUpPostClient(t).post(server.origin);
  assert.deepEqual([result.errorCode, result.responseHeaders], ['invalid_response', null]);
});

test('a reset after the headers is a failure although the status was 200', async (t) => {
  const server = await startRawServer(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf', () => {
      setImmediate(() => socket.resetAndDestroy());
    });
  });
  const result = await setUpPostClient(t).post(server.origin);
  assert.equal(result.errorCode, 'connection_reset');
});

test('a refused connection is named', async (t) => {
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  const result = await setUpPostClient(t).post(`http://127.0.0.1:${port}/`);
  assert.equal(result.errorCode, 'connection_refused');
  assert.equal(result.status, null);
});

test('an informational answer is passed over', async (t) => {
  const server = await startRawServer(t, (socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n');
    socket.write('HTTP/1.1 102 Processing\r\n\r\n');
    setImmediate(() => socket.write(OK));
  });
  const result = await setUpPostClient(t).post(server.origin);
  assert.deepEqual([result.status, result.errorCode], [200, null]);
});

test('a success that is only announced is no success', async (t) => {
  const server = await startRawServer(t, (socket) => socket.end('HTTP/1.1 103 Hints\r\n\r\n'));
  const result = await setUpPostClient(t).post(server.origin);
  assert.equal(result.errorCode, 'connection_closed');
});

test('an unasked 100 Continue is passed over, however it comes', async (t) => {
  const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
  const forms: readonly (readonly string[])[] = [
    [`${CONTINUE}${OK}`],
    [CONTINUE, OK],
    [CONTINUE, CONTINUE, OK],
    [
      'HTT',
      'P/1.1 10',
      '0 Continue\r\nserver: old\r\n\r',
      '\nHTTP/1.1 2',
      '00 OK\r\ncontent-length: 0\r\n\r\n',
    ],
    [OK],
    [`${CONTINUE}HTTP/1.1 103 Early Hints\r\n\r\n${OK}`],
  ];
  const server = await startRawServer(t, async (socket, number) => {
    for (const part of forms[number - 1] ?? []) {
      socket.write(part);
      await turn();
      await turn();
    }
  });
  const { post } = setUpPostClient(t);
  for (const form of forms) {
    const result = await post(server.origin);
    assert.deepEqual([result.status, result.errorCode], [200, null], form.join('|'));
  }
  assert.equal(server.connections, 1);
});

test('a 100 Continue and nothing after it is no success', async (t) => {
  const server = await startRawServer(t, (socket) => socket.end('HTTP/1.1 100 Continue\r\n\r\n'));
  const result = await setUpPostClient(t).post(server.origin);
  assert.deepEqual([result.status, result.errorCode], [null, 'connection_closed']);
});

test('posts share kept connections, and no more are opened than are needed at once', async (t) => {
  const server = await startRawServer(t, (socket) => socket.write(OK));
  const { post } = setUpPostClient(t, { connectionsPerOrigin: 64 });
  for (let round = 0; round < 10; round++) {
    const results = await Promise.all(Array.from({ length: 3 }, () => post(server.origin)));
    for (const { errorCode } of results) assert.equal(errorCode, null);
  }
  assert.equal(server.connections, 3);
  assert.equal(server.requests.length, 30);
});

test('there are never more connections to an origin than allowed; the rest waits its turn', async (t) => {
  const sockets: Socket[] = [];
  const server = await startRawServer(t, (socket) => sockets.push(socket));
  const { post } = setUpPostClient(t, { connectionsPerOrigin: 2 });
  const pending = Array.from({ length: 7 }, () => post(server.origin));
  for (let answered = 0; answered < 7; answered++) {
    await until('a request is there', () => sockets.length > 0);
    sockets.shift()?.write(OK);
  }
  for (const result of await Promise.all(pending)) assert.equal(result.errorCode, null);
  assert.equal(server.connections, 2);
});

test('of connections without work no more are kept than allowed: the longest idle goes', async (t) => {
  const servers = [];
  for (let i = 0; i < 3; i++) servers.push(await startRawServer(t, (socket) => socket.write(OK)));
  const [first, second, third] = servers;
  assert.ok(first && second && third);
  const { post } = setUpPostClient(t, { idleConnections: 2 });
  const reused = async (server: typeof first): Promise<boolean | undefined> => {
    const result = await post(server.origin);
    assert.equal(result.errorCode, null);
    return result.timing?.reused;
  };
  assert.deepEqual([await reused(first), await reused(second)], [false, false]);
  // The first is the one that was used last.
  assert.equal(await reused(first), true);
  assert.equal(await reused(third), false);
  await until('the second is closed', () => second.closed === 1);
  assert.deepEqual([await reused(first), await reused(third)], [true, true]);
  assert.equal(await reused(second), false);
  await until('the first is closed', () => first.closed === 1);
  assert.equal(third.closed, 0);
});

test('a connection that breaks makes room for what waits', async (t) => {
  const server = await startRawServer(t, (socket) => socket.resetAndDestroy());
  const { post } = setUpPostClient(t, { connectionsPerOrigin: 1 });
  const results = await Promise.all([
    post(server.origin),
    post(server.origin),
    post(server.origin),
  ]);
  for (const { errorCode } of results) assert.equal(errorCode, 'connection_reset');
  assert.equal(server.connections, 3);
});

test('a kept connection that breaks before a post was written to it costs that post nothing', async (t) => {
  const sockets: Socket[] = [];
  const server = await startRawServer(t, (socket) => {
    sockets.push(socket);
    socket.write(OK);
  });
  const { post } = setUpPostClient(t);
  assert.equal((await post(server.origin)).errorCode, null);
  await turn();
  sockets[0]?.resetAndDestroy();
  const result = await post(server.origin);
  assert.deepEqual([result.errorCode, result.timing?.reused], [null, false]);
  assert.equal(server.connections, 2);
});

test('a post that crosses with the end of a kept connection is repeated over a new one, once', async (t) => {
  const ends: [string, (socket: Socket) => void][] = [
    ['reset', (socket) => socket.resetAndDestroy()],
    ['closed', (socket) => void socket.end()],
  ];
  for (const [name, end] of ends) {
    const server = await startRawServer(t, (socket, number) => {
      if (number === 2) end(socket);
      else socket.write(OK);
    });
    const { post } = setUpPostClient(t);
    await post(server.origin);
    await turn();
    const result = await post(server.origin);
    assert.deepEqual([result.errorCode, result.timing?.reused], [null, false], name);
    assert.deepEqual([server.requests.length, server.connections], [3, 2], name);
  }

  const broken = await startRawServer(t, (socket, number) => {
    if (number === 1) socket.write(OK);
    else socket.resetAndDestroy();
  });
  const { post } = setUpPostClient(t);
  await post(broken.origin);
  await turn();
  assert.equal((await post(broken.origin)).errorCode, 'connection_reset');
  assert.equal(broken.requests.length, 3);
});

test('a post whose answer has begun is never repeated', async (t) => {
  const server = await startRawServer(t, (socket, number) => {
    if (number === 1) return void socket.write(OK);
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf', () =>
      socket.resetAndDestroy(),
    );
  });
  const { post } = setUpPostClient(t);
  await post(server.origin);
  await turn();
  assert.equal((await post(server.origin)).errorCode, 'connection_reset');
  assert.equal(server.requests.length, 2);
});

test('what was hung up on waits its turn when all connections are in use', async (t) => {
  const held: Socket[] = [];
  const server = await startRawServer(t, (socket, number) => {
    if (number === 2) held.push(socket);
    else socket.write(OK);
  });
  const { post } = setUpPostClient(t, { connectionsPerOrigin: 1 });
  await post(server.origin);
  await turn();
  const results = [post(server.origin), post(server.origin)];
  await until('the second is there', () => server.requests.length === 2);
  held[0]?.resetAndDestroy();
  for (const { errorCode } of await Promise.all(results)) assert.equal(errorCode, null);
  assert.equal(server.connections, 2);
});

test('a connection that the server closed while it was idle is replaced', async (t) => {
  const server = await startRawServer(t, (socket) => socket.end(OK));
  const { post } = setUpPostClient(t);
  for (let i = 1; i <= 3; i++) {
    assert.equal((await post(server.origin)).errorCode, null);
    await until('it is closed', () => server.closed === i);
    await turn();
  }
  assert.equal(server.connections, 3);
});

test('closing the client aborts what is under way and what comes later', async (t) => {
  const server = await startRawServer(t, () => {});
  const { client, post } = setUpPostClient(t, { connectionsPerOrigin: 1 });
  const pending = [post(server.origin), post(server.origin)];
  await until('the first is there', () => server.requests.length === 1);
  await client.close();
  for (const result of await Promise.all(pending)) assert.equal(result.errorCode, 'aborted');
  assert.equal((await post(server.origin)).errorCode, 'aborted');
});

test('a name that does not exist is told from a resolver that gives no answer', async (t) => {
  for (const [code, expected] of [
    ['ENOTFOUND', 'dns_not_found'],
    ['EAI_AGAIN', 'dns_error'],
  ] as const) {
    const { post } = setUpPostClient(t, fakeLookup(lookupError(code)));
    const result = await post('https://nowhere.example.com/');
    assert.equal(result.errorCode, expected);
    assert.match(result.errorDetail ?? '', new RegExp(`\\(getaddrinfo ${code}\\)\\.$`));
  }
});

test('a name is asked for once, however many posts wait for it', async (t) => {
  const server = await startRawServer(t, (socket) => socket.write(OK));
  const { lookup, asked } = fakeLookup(['127.0.0.1']);
  const { post } = setUpPostClient(t, { lookup, connectionsPerOrigin: 8 });
  const url = `http://app.example.com:${server.port}/`;
  const results = await Promise.all(Array.from({ length: 8 }, () => post(url)));
  for (const { errorCode } of results) assert.equal(errorCode, null);
  assert.deepEqual([asked.length, server.connections], [1, 8]);
});

test('a header that cannot be sent is our fault, and nothing is sent', async (t) => {
  const server = await startRawServer(t, (socket) => socket.write(OK));
  const { post } = setUpPostClient(t);
  const result = await post(server.origin, { headers: ['x-a', 'a\r\nx-b: 1'] });
  assert.equal(result.errorCode, 'local_error');
  assert.equal((await post(server.origin)).errorCode, null);
  assert.equal(server.requests.length, 1);
});
