import assert from 'node:assert/strict';
import test from 'node:test';
import { explainError } from './explain-error.ts';
import { PostFailure } from './post-failure.ts';

const failed = (code: string, fields: object = {}): Error =>
  Object.assign(new Error(`it was ${code}`), { code, ...fields });

test('an error says what it means, and what the system said', () => {
  assert.deepEqual(explainError(failed('ECONNREFUSED')), {
    code: 'connection_refused',
    detail: 'Nothing listens on that port (it was ECONNREFUSED).',
  });
  assert.deepEqual(explainError(new PostFailure('proxy_error', 'The proxy is tired.')), {
    code: 'proxy_error',
    detail: 'The proxy is tired.',
  });
});

test('what this machine lacks is not the fault of the endpoint', () => {
  for (const code of ['EMFILE', 'ENOBUFS', 'EADDRNOTAVAIL', 'EPERM']) {
    assert.equal(explainError(failed(code)).code, 'local_error', code);
  }
  assert.equal(explainError(failed('ENETUNREACH', { address: '192.0.2.1' })).code, 'local_error');
  const six = failed('ENETUNREACH', { address: '2001:db8::1' });
  assert.equal(explainError(six).code, 'host_unreachable');
});

test('of several addresses the one that could be reached says most', () => {
  const six = failed('ENETUNREACH', { address: '2001:db8::1' });
  const four = failed('ECONNREFUSED', { address: '192.0.2.1' });
  for (const all of [
    [six, four],
    [four, six],
  ]) {
    assert.equal(explainError(new AggregateError(all)).code, 'connection_refused');
  }
  const cut = failed('ENETUNREACH', { address: '192.0.2.1' });
  assert.equal(explainError(new AggregateError([cut, six])).code, 'local_error');
  assert.equal(explainError(new AggregateError([six, six])).code, 'host_unreachable');
  assert.equal(explainError(new AggregateError([])).code, 'connection_closed');
});

test('faults of certificates are told apart from those of the handshake', () => {
  const codes = {
    CERT_HAS_EXPIRED: 'certificate_expired',
    CERT_NOT_YET_VALID: 'certificate_expired',
    SELF_SIGNED_CERT_IN_CHAIN: 'certificate_untrusted',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate_untrusted',
    ERR_TLS_CERT_ALTNAME_INVALID: 'hostname_mismatch',
    ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'client_certificate_refused',
    ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'client_certificate_refused',
    ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'client_certificate_refused',
    ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'tls_error',
    ERR_SSL_WRONG_VERSION_NUMBER: 'tls_error',
    ERR_OSSL_PEM_NO_START_LINE: 'tls_error',
  };
  for (const [name, code] of Object.entries(codes)) {
    assert.equal(explainError(failed(name)).code, code, name);
  }
});

test('whatever was said is one line of bearable length', () => {
  const { code, detail } = explainError(new Error(`a\r\n\u0000b\u0007${'c'.repeat(5_000)}`));
  assert.equal(code, 'connection_closed');
  assert.match(detail, /\(a b c{400,}\.\.\.\)\.$/);
  assert.ok(detail.length < 700);
});
