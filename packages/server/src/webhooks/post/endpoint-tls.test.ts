import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import test from 'node:test';
import { makeCertificate } from '../fixtures/make-certificate.ts';
import { checkEndpointTls, describeCertificate } from './endpoint-tls.ts';
import type { EndpointTls } from './post-target.ts';

const mine = makeCertificate('posthorn.test');
const authority = makeCertificate('authority.test');
const signed = makeCertificate('signed.test', { issuer: authority });
const expired = makeCertificate('old.test', { isExpired: true });

function check(change: Partial<EndpointTls>, nowMs = Date.now()) {
  return checkEndpointTls({ certificate: null, privateKey: null, ca: null, ...change }, nowMs);
}

function openssl(args: string[], input: string): string {
  return execFileSync('openssl', args, { input, encoding: 'utf8', stdio: 'pipe' });
}

test('takes a pair, a chain, authorities, and nothing at all', () => {
  assert.equal(check({}), null);
  assert.equal(check({ certificate: mine.cert, privateKey: mine.key }), null);
  const chain = `Bag attributes\n${signed.cert}${authority.cert}`;
  assert.equal(check({ certificate: chain, privateKey: signed.key }), null);
  assert.equal(check({ ca: `${authority.cert}\r\n# ours\r\n${mine.cert}` }), null);
});

test('a certificate and a key go together', () => {
  assert.equal(check({ certificate: mine.cert })?.field, 'client_key');
  assert.equal(check({ privateKey: mine.key })?.field, 'client_certificate');
  const foreign = check({ certificate: mine.cert, privateKey: signed.key });
  assert.equal(foreign?.field, 'client_key');
  assert.match(foreign.message, /does not belong to the certificate/);
  const turned = `${authority.cert}${signed.cert}`;
  assert.equal(check({ certificate: turned, privateKey: signed.key })?.field, 'client_key');
});

test('what is no certificate and what is no key is said by its field', () => {
  const broken = mine.cert.replace(/\n[A-Za-z]/, '\n*');
  for (const pem of ['', 'hello', mine.key, broken, `${mine.cert}${mine.key}`]) {
    assert.equal(check({ ca: pem })?.field, 'ca_certificate');
    const fault = check({ certificate: pem, privateKey: mine.key });
    assert.equal(fault?.field, 'client_certificate');
    assert.doesNotMatch(fault.message, /BEGIN PRIVATE|MIG/);
  }
  for (const pem of ['', 'hello', mine.cert]) {
    const fault = check({ certificate: mine.cert, privateKey: pem });
    assert.equal(fault?.field, 'client_key');
    assert.match(fault.message, /no PEM private key/);
  }
  const locked = openssl(['pkey', '-aes256', '-passout', 'pass:secret'], mine.key);
  assert.match(
    check({ certificate: mine.cert, privateKey: locked })?.message ?? '',
    /locked with a passphrase/,
  );
});

test('a certificate outside its time is refused with the time', () => {
  const old = check({ certificate: expired.cert, privateKey: expired.key });
  assert.equal(old?.field, 'client_certificate');
  assert.match(old.message, /CN=old\.test\) expired at 2021-01-01T00:00:00\.000Z/);
  const second = check({ ca: `${authority.cert}${expired.cert}` });
  assert.equal(second?.field, 'ca_certificate');
  assert.match(second.message, /^Certificate 2 of 2 \(CN=old\.test\) expired/);
  const early = check({ ca: authority.cert }, Date.parse('2020-06-01'));
  assert.match(early?.message ?? '', /is not valid before 20/);
  assert.equal(check({ ca: expired.cert }, Date.parse('2020-06-01')), null);
});

test('a key too short for TLS today is refused when it is saved', () => {
  const both = openssl(
    ['req', '-x509', '-newkey', 'rsa:512', '-nodes', '-keyout', '-', '-subj', '/CN=a'],
    '',
  );
  const [privateKey = '', certificate = ''] = both.split(/(?=-----BEGIN CERT)/);
  const fault = check({ certificate, privateKey });
  assert.equal(fault?.field, 'client_certificate');
  assert.match(fault.message, /does not take this certificate \(.*too small\)/);
});

test('a certificate is described as the API shows it', () => {
  const described = describeCertificate(`${signed.cert}${authority.cert}`);
  const { fingerprint256, validTo } = new X509Certificate(signed.cert);
  assert.equal(described.subject, 'CN=signed.test');
  assert.equal(described.issuer, 'CN=authority.test');
  assert.equal(described.fingerprint_sha256, fingerprint256);
  assert.equal(Date.parse(described.valid_to), Date.parse(validTo));
  assert.equal(describeCertificate(expired.cert).valid_from, '2020-01-01T00:00:00.000Z');
  assert.throws(() => describeCertificate('hello'));
});
