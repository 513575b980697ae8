import assert from 'node:assert/strict';
import test from 'node:test';
import { setDefaultCACertificates } from 'node:tls';
import { TEST_CERTIFICATE } from '../../smtp/fixtures/test-certificate.ts';
import { makeCertificate } from '../fixtures/make-certificate.ts';
import { startRawServer } from '../fixtures/raw-server.ts';
import { fakeLookup, OK, setUpPostClient } from './fixtures/set-up-post-client.ts';

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
