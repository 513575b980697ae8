import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { startDnsServer } from '../../cli/whole/fixtures/dns-server.ts';
import { TEST_CERTIFICATE } from '../../smtp/fixtures/test-certificate.ts';
import { createAddressGuard } from './address-guard.ts';
import { createTextFetcher } from './fetch-text.ts';

const { key, cert } = TEST_CERTIFICATE;

async function setUp(t: TestContext, listener: RequestListener) {
  const server = createServer({ key, cert }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { timeoutMs: 5_000, maxBytes: 1_000, dnsServers: [], ca: cert, port };
}

const loopback = createAddressGuard(['loopback']);

test('fetches a text by HTTPS', async (t) => {
  const options = await setUp(t, (request, response) => response.end(`at ${request.url}`));
  const fetchText = createTextFetcher({ ...options, guard: loopback });
  assert.equal(await fetchText('https://localhost/.well-known/x.txt'), 'at /.well-known/x.txt');
});

test('asks for names where the settings say', async (t) => {
  const options = await setUp(t, (_, response) => response.end('here'));
  const dns = await startDnsServer({
    'mx.test': { a: ['127.0.0.1'] },
    'empty.test': {},
  });
  t.after(() => dns.close());
  const fetchText = createTextFetcher({ ...options, guard: loopback, dnsServers: [dns.address] });
  assert.equal(await fetchText('https://mx.test/'), 'here');
  await assert.rejects(fetchText('https://empty.test/'), { code: 'ENODATA' });
  await assert.rejects(fetchText('https://elsewhere.test/'), { code: 'ENOTFOUND' });
  const strictly = createTextFetcher({
    ...options,
    guard: createAddressGuard([]),
    dnsServers: [dns.address],
  });
  await assert.rejects(strictly('https://mx.test/'), /not a public address/);
});

test('does not dial an address that is inside', async (t) => {
  const options = await setUp(t, (_, response) => response.end('secret'));
  const fetchText = createTextFetcher({ ...options, guard: createAddressGuard([]) });
  await assert.rejects(fetchText('https://localhost/'), /not a public address/);
});

test('takes no other status, no redirect, no wrong certificate and nothing big', async (t) => {
  const options = await setUp(t, (request, response) => {
    if (request.url === '/big') response.end('x'.repeat(10_000));
    else response.writeHead(302, { location: '/' }).end();
  });
  const fetchText = createTextFetcher({ ...options, guard: loopback });
  await assert.rejects(fetchText('https://localhost/'), /answered 302/);
  await assert.rejects(fetchText('https://localhost/big'), /more than 1000 bytes/);
  const { ca: _ca, ...strict } = options;
  const strictly = createTextFetcher({ ...strict, guard: loopback });
  await assert.rejects(strictly('https://localhost/'), /self-signed/);
});

test('waits no longer than it may', async (t) => {
  const options = await setUp(t, () => {});
  const fetchText = createTextFetcher({ ...options, guard: loopback, timeoutMs: 50 });
  await assert.rejects(fetchText('https://localhost/'), /No answer within 50 ms/);
});
