import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { until } from '../../lib/fixtures/test-clock.ts';
import { createAddressGuard } from '../../lib/network/address-guard.ts';
import { makeCertificate } from '../fixtures/make-certificate.ts';
import { startRawServer } from '../fixtures/raw-server.ts';
import { parseProxyUrl } from './connect/proxy-settings.ts';
import { startConnectProxy } from './fixtures/connect-proxy.ts';
import {
  fakeLookup,
  lookupError,
  OK,
  setUpPostClient,
  TIMEOUT_MS,
} from './fixtures/set-up-post-client.ts';

/** What names lead to here: a public address, which is never dialled since the proxy does that. */
const PUBLIC = '93.184.215.14';
const authority = makeCertificate('authority.test');
const pair = makeCertificate('app.example.com', { issuer: authority });
const trust = { certificate: null, privateKey: null, ca: authority.cert };

/** A client that may dial nothing but public addresses, and a proxy that leads to this machine. */
async function setUp(
  t: TestContext,
  options: Parameters<typeof startConnectProxy>[1] & {
    noProxy?: string[];
    answers?: Parameters<typeof fakeLookup>;
  } = {},
) {
  const { noProxy = [], answers = [[PUBLIC]], ...rest } = options;
  const proxy = await startConnectProxy(t, rest);
  const { lookup, asked } = fakeLookup(...answers);
  const { post, clock } = setUpPostClient(t, {
    guard: createAddressGuard([]),
    lookup,
    proxy: { ...proxy.settings, noProxy },
  });
  return { proxy, post, clock, lookedUp: asked };
}

test('http and https go through a tunnel, whose connection is kept', async (t) => {
  const { proxy, post } = await setUp(t);
  const plain = await startRawServer(t, (socket) => socket.write(OK));
  const secure = await startRawServer(t, (socket) => socket.write(OK), pair);
  for (const [scheme, server, tls] of [
    ['http', plain, undefined],
    ['https', secure, trust],
  ] as const) {
    const url = `${scheme}://app.example.com:${server.port}/hook?a=1`;
    for (const reused of [false, true]) {
      const result = await post(url, tls === undefined ? {} : { tls });
      assert.deepEqual([result.errorCode, result.status], [null, 200]);
      assert.equal(result.timing?.reused, reused);
      assert.equal(result.timing?.remoteAddress, '127.0.0.1');
    }
    assert.match(server.requests[0] ?? '', /^POST \/hook\?a=1 HTTP\/1\.1\r\n/);
    assert.doesNotMatch(server.requests.join(''), /proxy-/i);
  }
  assert.deepEqual(
    proxy.asked.map(({ authority }) => authority),
    [`app.example.com:${plain.port}`, `app.example.com:${secure.port}`],
  );
});

test('the proxy is asked for the usual port, and for addresses as they stand in the URL', async (t) => {
  const refuse = (): string => 'HTTP/1.1 403 Forbidden\r\n\r\n';
  const { proxy, post, lookedUp } = await setUp(t, { refuse });
  for (const url of [
    'https://a.example.com',
    'http://a.example.com',
    'https://[2606:4700::1111]',
  ]) {
    await post(`${url}/`);
  }
  await post(`http://${PUBLIC}:8080/`);
  assert.deepEqual(
    proxy.asked.map(({ authority }) => authority),
    ['a.example.com:443', 'a.example.com:80', '[2606:4700::1111]:443', `${PUBLIC}:8080`],
  );
  assert.deepEqual(lookedUp, ['a.example.com', 'a.example.com']);
});

test('a proxy with a password gets it, and nobody else hears it', async (t) => {
  const server = await startRawServer(t, (socket) => socket.write(OK));
  const proxy = await startConnectProxy(t);
  const address = parseProxyUrl(`http://mila:s%3Acr%25t@127.0.0.1:${proxy.settings.port}`);
  const { post } = setUpPostClient(t, {
    ...fakeLookup([PUBLIC]),
    proxy: { ...address, noProxy: [] },
  });
  assert.equal((await post(`http://app.example.com:${server.port}/`)).errorCode, null);
  const expected = `Basic ${Buffer.from('mila:s:cr%t').toString('base64')}`;
  assert.equal(proxy.asked[0]?.authorization, expected);
  assert.doesNotMatch(server.requests.join(''), /basic|authorization/i);
  // Nobody listens there now: what is said of it holds no secret.
  const gone = setUpPostClient(t, {
    ...fakeLookup([PUBLIC]),
    proxy: { ...address, port: 1, noProxy: [] },
  });
  const result = await gone.post('https://app.example.com/');
  assert.equal(result.errorCode, 'proxy_error');
  assert.doesNotMatch(JSON.stringify(result), /mila|cr%t|Basic|bWlsY/);
});

test('TLS to the proxy itself is checked, and a fault in it is the fault of the proxy', async (t) => {
  const own = makeCertificate('localhost');
  const server = await startRawServer(t, (socket) => socket.write(OK), pair);
  const proxy = await startConnectProxy(t, { tls: own });
  const options = { ...fakeLookup([PUBLIC]), proxy: proxy.settings };
  const url = `https://app.example.com:${server.port}/`;
  const trusted = setUpPostClient(t, { ...options, ca: own.cert });
  assert.equal((await trusted.post(url, { tls: trust })).errorCode, null);
  const untrusted = setUpPostClient(t, options);
  assert.equal((await untrusted.post(url, { tls: trust })).errorCode, 'proxy_error');
  const spoken = setUpPostClient(t, { ...options, proxy: { ...proxy.settings, tls: false } });
  assert.equal((await spoken.post(url, { tls: trust })).errorCode, 'proxy_error');
  assert.equal(server.requests.length, 1);
});

test('what the proxy does not do is ours, unless it says that the endpoint is at fault', async (t) => {
  const head = (status: number, ...headers: string[]): string =>
    `${[`HTTP/1.1 ${status} No`, ...headers].join('\r\n')}\r\n\r\n`;
  const cases: [string, string][] = [
    [head(407, 'proxy-authenticate: Basic realm="x"'), 'proxy_error'],
    [head(403), 'proxy_error'],
    [head(502), 'proxy_error'],
    [head(503), 'proxy_error'],
    [head(302, 'location: http://login.example.com/'), 'proxy_error'],
    [head(504), 'timeout'],
    [head(500), 'host_unreachable'],
    [head(500, 'x-squid-error: ERR_CANNOT_FORWARD 0'), 'host_unreachable'],
    [head(500, 'proxy-status: a; error=proxy_internal_error'), 'proxy_error'],
    [head(502, 'proxy-status: squid.example; error=connection_refused'), 'connection_refused'],
    [head(502, 'proxy-status: a; error=dns_error; rcode="NXDOMAIN"'), 'dns_not_found'],
    [head(502, 'proxy-status: a; error=dns_error; rcode="SERVFAIL"'), 'proxy_error'],
    [head(502, 'proxy-status: a; error=destination_ip_prohibited'), 'address_not_allowed'],
    [head(504, 'proxy-status: a; error=proxy_internal_error'), 'proxy_error'],
    [head(503, 'x-squid-error: ERR_CONNECT_FAIL 111'), 'connection_refused'],
    [head(503, 'x-squid-error: ERR_CONNECT_FAIL 113'), 'host_unreachable'],
    [head(503, 'x-squid-error: ERR_DNS_FAIL 0'), 'proxy_error'],
    ['', 'proxy_error'],
    ['SSH-2.0-OpenSSH_9.9\r\n', 'proxy_error'],
    [`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}`, 'proxy_error'],
  ];
  for (const [answer, code] of cases) {
    const { post } = await setUp(t, { refuse: () => answer });
    const result = await post('https://app.example.com/');
    assert.equal(result.errorCode, code, answer.slice(0, 80));
    assert.deepEqual([result.status, result.responseHeaders], [null, null]);
  }
});

test('407 and 403 say what to do', async (t) => {
  for (const [status, advice] of [
    [407, /webhook_proxy\.$/],
    [403, /answered 403 to CONNECT app\.example\.com:443: .*webhook_no_proxy\.$/],
  ] as const) {
    const { post } = await setUp(t, { refuse: () => `HTTP/1.1 ${status} No\r\n\r\n` });
    assert.match((await post('https://app.example.com/')).errorDetail ?? '', advice);
  }
});

test('a fault behind a tunnel that stands is that of the endpoint', async (t) => {
  const { post } = await setUp(t);
  const cases: [(socket: Socket) => void, string][] = [
    [(socket) => socket.end(), 'connection_closed'],
    [
      (socket) => socket.write('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n'),
      'http_status',
    ],
    [(socket) => socket.write('HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n'), 'http_status'],
    [(socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'), 'invalid_response'],
  ];
  for (const [answer, code] of cases) {
    const server = await startRawServer(t, answer);
    assert.equal((await post(`http://app.example.com:${server.port}/`)).errorCode, code);
  }
  const secure = await startRawServer(t, (socket) => socket.write(OK), pair);
  const plain = await startRawServer(t, () => {}, undefined, 'HTTP/1.1 400 Bad Request\r\n\r\n');
  const untrusted = await post(`https://app.example.com:${secure.port}/`);
  assert.equal(untrusted.errorCode, 'certificate_untrusted');
  const misnamed = await post(`https://www.example.com:${secure.port}/`, { tls: trust });
  assert.equal(misnamed.errorCode, 'hostname_mismatch');
  assert.equal((await post(`https://app.example.com:${plain.port}/`)).errorCode, 'tls_error');
});

test('a proxy that nobody can reach is a fault of ours', async (t) => {
  const { settings } = await startConnectProxy(t);
  const { post } = setUpPostClient(t, { ...fakeLookup([PUBLIC]), proxy: { ...settings, port: 1 } });
  const result = await post('https://app.example.com/');
  assert.equal(result.errorCode, 'proxy_error');
  assert.match(result.errorDetail ?? '', /ECONNREFUSED/);
  assert.deepEqual([result.timing?.dnsMs, result.timing?.connectMs], [0, null]);
});

test("silence of the proxy before it is asked is its own, and after that the endpoint's", async (t) => {
  const silent = await startRawServer(t, () => {});
  const { settings } = await startConnectProxy(t);
  const lookups = fakeLookup([PUBLIC]);
  const early = setUpPostClient(t, {
    ...lookups,
    proxy: { ...settings, tls: true, port: silent.port },
  });
  const first = early.post('https://app.example.com/');
  await until('we are connected', () => silent.connections === 1);
  await early.clock.advance(TIMEOUT_MS);
  assert.equal((await first).errorCode, 'proxy_error');
  await until('we hung up', () => silent.closed === 1);

  const late = await setUp(t, { refuse: () => 'silence' });
  const second = late.post('https://app.example.com/');
  await until('the proxy is asked', () => late.proxy.asked.length === 1);
  await late.clock.advance(TIMEOUT_MS);
  const { errorCode, errorDetail } = await second;
  assert.equal(errorCode, 'timeout');
  assert.match(errorDetail ?? '', /no connection came about/);
});

test('a new tunnel that breaks fails what is under way, a kept one has it repeated', async (t) => {
  const { proxy, post } = await setUp(t);
  const server = await startRawServer(t, (socket, number) => {
    if (number === 2) socket.write(OK);
  });
  const url = `http://app.example.com:${server.port}/`;
  const onNew = post(url);
  await until('the first is there', () => server.requests.length === 1);
  proxy.breakTunnels();
  assert.match((await onNew).errorCode ?? '', /^connection_(closed|reset)$/);

  assert.equal((await post(url)).errorCode, null);
  const onKept = post(url);
  await until('the third is there', () => server.requests.length === 3);
  proxy.breakTunnels();
  await until('it is repeated', () => server.requests.length === 4);
  proxy.breakTunnels();
  assert.match((await onKept).errorCode ?? '', /^connection_(closed|reset)$/);
  assert.equal(proxy.asked.length, 3);
});

test('what must not be dialled is not asked for either', async (t) => {
  for (const answers of [[['10.0.0.1']], [[PUBLIC, '169.254.169.254']], [['::1']]]) {
    const { proxy, post } = await setUp(t, { answers });
    const result = await post('https://app.example.com/');
    assert.equal(result.errorCode, 'address_not_allowed');
    assert.match(result.errorDetail ?? '', /^app\.example\.com: .*not a public address/);
    assert.deepEqual(proxy.asked, []);
  }
  const { proxy, post, lookedUp } = await setUp(t);
  for (const host of ['10.0.0.1', '127.0.0.1', 'localhost', '[::ffff:7f00:1]', '0x7f.1']) {
    assert.equal((await post(`https://${host}/`)).errorCode, 'address_not_allowed', host);
  }
  assert.deepEqual([proxy.asked, lookedUp], [[], []]);
});

test('a name that cannot be looked up here is left to the proxy', async (t) => {
  const server = await startRawServer(t, (socket) => socket.write(OK));
  for (const code of ['ENOTFOUND', 'EAI_AGAIN']) {
    const { post } = await setUp(t, { answers: [lookupError(code)] });
    assert.equal((await post(`http://app.example.com:${server.port}/`)).errorCode, null);
  }
});

test('a look-up that does not end does not hold up the proxy', async (t) => {
  const server = await startRawServer(t, (socket) => socket.write(OK));
  const proxy = await startConnectProxy(t);
  const lookup = (() => {}) as unknown as ReturnType<typeof fakeLookup>['lookup'];
  const { post, clock } = setUpPostClient(t, { lookup, proxy: proxy.settings });
  const pending = post(`http://app.example.com:${server.port}/`);
  await clock.advance(1_999);
  assert.equal(proxy.asked.length, 0);
  await clock.advance(1);
  const result = await pending;
  assert.deepEqual([result.errorCode, result.timing?.dnsMs], [null, 2_000]);
});

test('hosts of webhook_no_proxy, and this machine, are dialled directly', async (t) => {
  const server = await startRawServer(t, (socket) => socket.write(OK));
  const proxy = await startConnectProxy(t);
  const { post } = setUpPostClient(t, {
    ...fakeLookup(['127.0.0.1']),
    proxy: { ...proxy.settings, noProxy: ['intern.example.com'] },
  });
  for (const host of ['intern.example.com', 'a.intern.example.com', '127.0.0.1', 'localhost']) {
    assert.equal((await post(`http://${host}:${server.port}/`)).errorCode, null, host);
  }
  assert.equal(proxy.asked.length, 0);
  assert.equal((await post(`http://example.com:${server.port}/`)).errorCode, null);
  assert.equal(proxy.asked.length, 1);
});
