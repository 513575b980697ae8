import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import test from 'node:test';
import { setDefaultCACertificates, TLSSocket, type TlsOptions } from 'node:tls';
import { turn, until } from '../../lib/fixtures/test-clock.ts';
import { TEST_CERTIFICATE } from '../../smtp/fixtures/test-certificate.ts';
import { type KeyPair, makeCertificate } from '../fixtures/make-certificate.ts';
import { startRawServer } from '../fixtures/raw-server.ts';
import { fakeLookup, OK, setUpPostClient } from './fixtures/set-up-post-client.ts';
import { startStrictTlsServer } from './fixtures/strict-tls-server.ts';
import { type EndpointTls, parseTarget } from './post-target.ts';

const authority = makeCertificate('authority.test');
const server = makeCertificate('server.test', { issuer: authority });
const mila = makeCertificate('mila.test', { issuer: authority });
const noor = makeCertificate('noor.test', { issuer: authority });
const stranger = makeCertificate('stranger.test');

/** What an endpoint brings that trusts our authority and shows this certificate. */
function bring(pair: KeyPair | null, ca: string | null = authority.cert): EndpointTls {
  return { certificate: pair?.cert ?? null, privateKey: pair?.key ?? null, ca };
}

const MUTUAL: TlsOptions = {
  ...server,
  ca: authority.cert,
  requestCert: true,
  rejectUnauthorized: true,
};

/** Whom the server saw: the name in the client's certificate. */
function nameOf(socket: Socket): string {
  assert.ok(socket instanceof TLSSocket);
  return String(socket.getPeerCertificate().subject?.CN ?? 'nobody');
}

test('a self-signed certificate is refused unless it was named as one to trust', async (t) => {
  const { key, cert } = TEST_CERTIFICATE;
  const server = await startRawServer(t, (socket) => socket.write(OK), { key, cert });
  const refused = await setUpPostClient(t).post(server.origin);
  assert.equal(refused.errorCode, 'certificate_untrusted');
  assert.equal(server.requests.length, 0);
  const accepted = await setUpPostClient(t, { ca: cert }).post(server.origin);
  assert.deepEqual([accepted.errorCode, accepted.status], [null, 200]);
});

test('a certificate of another name is refused', async (t) => {
  const { key, cert } = TEST_CERTIFICATE;
  const server = await startRawServer(t, (socket) => socket.write(OK), { key, cert });
  const { lookup } = fakeLookup(['127.0.0.1']);
  const { post } = setUpPostClient(t, { ca: cert, lookup });
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
  const { post } = setUpPostClient(t, { ca: TEST_CERTIFICATE.cert, lookup });
  assert.equal((await post(`https://usual.test:${server.port}/`)).errorCode, null);
});

test('plain HTTP to a TLS port fails, and TLS to a plain one is a TLS error', async (t) => {
  const { key, cert } = TEST_CERTIFICATE;
  const tls = await startRawServer(t, (socket) => socket.write(OK), { key, cert });
  const plain = await startRawServer(t, () => {}, undefined, 'HTTP/1.1 400 Bad Request\r\n\r\n');
  const { post } = setUpPostClient(t);
  assert.notEqual((await post(`http://127.0.0.1:${tls.port}/`)).errorCode, null);
  assert.equal((await post(`https://127.0.0.1:${plain.port}/`)).errorCode, 'tls_error');
});

test('an expired certificate is named so', async (t) => {
  const expired = makeCertificate('old.test', { isExpired: true });
  const old = await startRawServer(t, (socket) => socket.write(OK), expired);
  const { post } = setUpPostClient(t, fakeLookup(['127.0.0.1']));
  const tls = bring(null, expired.cert);
  const result = await post(`https://old.test:${old.port}/`, { tls });
  assert.equal(result.errorCode, 'certificate_expired');
});

test('an authority of one endpoint is trusted for that endpoint only, beside the usual ones', async (t) => {
  const theirs = await startRawServer(t, (socket) => socket.write(OK), server);
  const usual = makeCertificate('usual.test');
  const common = await startRawServer(t, (socket) => socket.write(OK), usual);
  setDefaultCACertificates([usual.cert]);
  const { post } = setUpPostClient(t, fakeLookup(['127.0.0.1']));
  const tls = bring(null);
  const url = `https://server.test:${theirs.port}/`;
  assert.equal((await post(url)).errorCode, 'certificate_untrusted');
  assert.equal((await post(url, { tls })).errorCode, null);
  assert.equal((await post(url)).errorCode, 'certificate_untrusted');
  assert.equal((await post(url, { tls: bring(mila, null) })).errorCode, 'certificate_untrusted');
  assert.equal((await post(`https://usual.test:${common.port}/`, { tls })).errorCode, null);
  assert.equal(theirs.requests.length, 1);
});

test('an endpoint that asks for a client certificate gets that of its own', async (t) => {
  const seen: string[] = [];
  const mutual = await startRawServer(
    t,
    (socket) => {
      seen.push(nameOf(socket));
      socket.write(OK);
    },
    MUTUAL,
  );
  const { post } = setUpPostClient(t, fakeLookup(['127.0.0.1']));
  const url = `https://server.test:${mutual.port}/`;
  for (const pair of [mila, noor, mila]) {
    assert.equal((await post(url, { tls: bring(pair) })).errorCode, null);
  }
  assert.deepEqual(seen, ['mila.test', 'noor.test', 'mila.test']);
  assert.equal(mutual.connections, 2);
});

test('a client certificate that is missing or foreign is named, in every version of TLS', async (t) => {
  for (const version of ['tls1_2', 'tls1_3'] as const) {
    const clientAuthority = authority.cert;
    const port = await startStrictTlsServer(t, { pair: server, clientAuthority, version });
    const { post } = setUpPostClient(t, fakeLookup(['127.0.0.1']));
    const url = `https://server.test:${port}/`;
    const foreign = await post(url, { tls: bring(stranger) });
    assert.equal(foreign.errorCode, 'client_certificate_refused', version);
    const missing = await post(url, { tls: bring(null) });
    // TLS 1.2 has no alert for it: the server says that the handshake failed.
    const expected = version === 'tls1_2' ? 'tls_error' : 'client_certificate_refused';
    assert.equal(missing.errorCode, expected, version);
  }
});

test('endpoints share connections when origin and material are the same, however they came', async (t) => {
  const mutual = await startRawServer(t, (socket) => socket.write(OK), MUTUAL);
  const { post } = setUpPostClient(t, fakeLookup(['127.0.0.1']));
  const origin = `https://server.test:${mutual.port}`;
  await post(`${origin}/a`, { tls: bring(mila) });
  const second = await post(`${origin}/b`, { tls: bring({ ...mila }) });
  assert.equal(second.timing?.reused, true);
  assert.equal(mutual.connections, 1);
});

test('a session is resumed by the same endpoint, and never with the material of another', async (t) => {
  const seen: [string, boolean][] = [];
  const mutual = await startRawServer(
    t,
    (socket) => {
      seen.push([nameOf(socket), socket instanceof TLSSocket && socket.isSessionReused()]);
      socket.end(OK);
    },
    MUTUAL,
  );
  const { post } = setUpPostClient(t, fakeLookup(['127.0.0.1']));
  const url = `https://server.test:${mutual.port}/`;
  for (const [index, pair] of [mila, mila, noor].entries()) {
    assert.equal((await post(url, { tls: bring(pair) })).errorCode, null);
    await until('the connection is closed', () => mutual.closed === index + 1);
    await turn();
  }
  assert.deepEqual(seen, [
    ['mila.test', false],
    ['mila.test', true],
    ['noor.test', false],
  ]);
});

test('material that was changed or is gone keeps no connection; what is under way ends as it would', async (t) => {
  const waiting: Socket[] = [];
  const mutual = await startRawServer(t, (socket) => waiting.push(socket), MUTUAL);
  const { client, post } = setUpPostClient(t, fakeLookup(['127.0.0.1']));
  const url = `https://server.test:${mutual.port}/`;
  const pending = [mila, mila, noor].map((pair) => post(url, { tls: bring(pair) }));
  await until('three are there', () => waiting.length === 3);
  const one = waiting.findIndex((socket) => nameOf(socket) === 'mila.test');
  for (const socket of waiting.splice(one, 1)) socket.write(OK);
  await Promise.race(pending);
  client.forget(parseTarget(url, bring(mila)));
  await until('the idle one is closed', () => mutual.closed === 1);
  for (const socket of waiting.splice(0)) socket.write(OK);
  for (const result of await Promise.all(pending)) assert.equal(result.errorCode, null);
  await until('the other one is closed after its post', () => mutual.closed === 2);
  const again = [post(url, { tls: bring(mila) }), post(url, { tls: bring(noor) })];
  await until('two are there', () => waiting.length === 2);
  for (const socket of waiting) socket.write(OK);
  const [first, second] = await Promise.all(again);
  assert.deepEqual([first?.timing?.reused, second?.timing?.reused], [false, true]);
  client.forget(parseTarget('https://never.example.com/', bring(noor)));
  client.forget(parseTarget(url));
});

test('material that OpenSSL does not take is a TLS error, not a crash', async (t) => {
  const plain = await startRawServer(t, (socket) => socket.write(OK), server);
  const { post } = setUpPostClient(t, fakeLookup(['127.0.0.1']));
  for (const tls of [
    bring({ cert: 'no PEM', key: mila.key }),
    bring({ cert: mila.cert, key: noor.key }),
  ]) {
    for (let round = 0; round < 2; round++) {
      const result = await post(`https://server.test:${plain.port}/`, { tls });
      assert.equal(result.errorCode, 'tls_error');
      assert.equal(result.status, null);
    }
  }
  assert.equal(plain.connections, 0);
});
