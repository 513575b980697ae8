import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import test from 'node:test';
import { createSelfSignedCertificate } from './self-signed-certificate.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const INPUT = {
  privateKey,
  commonName: 'Posthorn webhooks',
  serial: 'sgk_1',
  validFromMs: Date.UTC(2026, 10, 21, 16, 5, 9),
  validToMs: Date.UTC(2051, 0, 2),
};

test('a certificate is read by others, is its own issuer and has the key and the times', () => {
  const certificate = new X509Certificate(createSelfSignedCertificate(INPUT));
  assert.equal(certificate.subject, 'CN=Posthorn webhooks');
  assert.ok(certificate.checkIssued(certificate) && certificate.verify(publicKey));
  assert.ok(certificate.publicKey.equals(publicKey));
  // Before 2050 and after it times are written in two ways.
  assert.equal(Date.parse(certificate.validFrom), INPUT.validFromMs);
  assert.equal(Date.parse(certificate.validTo), INPUT.validToMs);
});

test('the same input gives the same certificate, another serial another one', () => {
  const pem = createSelfSignedCertificate(INPUT);
  assert.equal(createSelfSignedCertificate(INPUT), pem);
  const other = new X509Certificate(createSelfSignedCertificate({ ...INPUT, serial: 'sgk_2' }));
  assert.notEqual(other.serialNumber, new X509Certificate(pem).serialNumber);
  assert.match(other.serialNumber, /^[4-7]/);
});

test('a long key and a long name are written with long lengths', () => {
  const big = generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey;
  const input = { ...INPUT, privateKey: big, commonName: 'n'.repeat(60) };
  const certificate = new X509Certificate(createSelfSignedCertificate(input));
  assert.ok(certificate.verify(certificate.publicKey));
});
