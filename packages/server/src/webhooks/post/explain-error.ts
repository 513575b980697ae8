import { isIPv4 } from 'node:net';
import { errors } from 'undici';
import { POST_ERRORS, type PostErrorCode } from './post-errors.ts';
import { PostFailure } from './post-failure.ts';

export interface Explanation {
  code: PostErrorCode;
  /** What it means, and in brackets what the system said. */
  detail: string;
}

/** Names of errors of Node, of its resolver (getaddrinfo), of OpenSSL and of undici. */
const CODES: Readonly<Record<string, PostErrorCode>> = {
  ENOTFOUND: 'dns_not_found',
  ENODATA: 'dns_not_found',
  EAI_AGAIN: 'dns_error',
  EAI_FAIL: 'dns_error',
  EAI_MEMORY: 'dns_error',
  EAI_SYSTEM: 'dns_error',
  ESERVFAIL: 'dns_error',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  EPIPE: 'connection_reset',
  EHOSTUNREACH: 'host_unreachable',
  EHOSTDOWN: 'host_unreachable',
  ENETUNREACH: 'host_unreachable',
  EAFNOSUPPORT: 'host_unreachable',
  ETIMEDOUT: 'timeout',
  EMFILE: 'local_error',
  ENFILE: 'local_error',
  ENOBUFS: 'local_error',
  ENOMEM: 'local_error',
  ENETDOWN: 'local_error',
  EADDRNOTAVAIL: 'local_error',
  EACCES: 'local_error',
  EPERM: 'local_error',
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'hostname_mismatch',
  HOSTNAME_MISMATCH: 'hostname_mismatch',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate_untrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate_untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate_untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate_untrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate_untrusted',
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: 'certificate_untrusted',
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: 'certificate_untrusted',
  CERT_SIGNATURE_FAILURE: 'certificate_untrusted',
  CERT_CHAIN_TOO_LONG: 'certificate_untrusted',
  CERT_REVOKED: 'certificate_untrusted',
  CERT_UNTRUSTED: 'certificate_untrusted',
  CERT_REJECTED: 'certificate_untrusted',
  INVALID_CA: 'certificate_untrusted',
  INVALID_PURPOSE: 'certificate_untrusted',
  PATH_LENGTH_EXCEEDED: 'certificate_untrusted',
  EPROTO: 'tls_error',
  UND_ERR_SOCKET: 'connection_closed',
  UND_ERR_INFO: 'connection_closed',
  UND_ERR_INVALID_ARG: 'local_error',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'local_error',
  UND_ERR_DESTROYED: 'aborted',
  UND_ERR_CLOSED: 'aborted',
};

/** The other side's word on the certificate that it was shown (RFC 8446, 6.2). */
const CLIENT_CERTIFICATE_ALERT =
  /ALERT_((BAD|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_(REVOKED|EXPIRED|UNKNOWN|REQUIRED)|UNKNOWN_CA|ACCESS_DENIED)$/;

const MAX_DETAIL_LENGTH = 500;

/** Says of whatever undici, a socket or the resolver threw what it means for the post. */
export function explainError(error: Error): Explanation {
  const cause = error instanceof AggregateError ? mostTelling(error.errors) : error;
  if (cause instanceof PostFailure) return { code: cause.errorCode, detail: tidy(cause.message) };
  const code = codeOf(cause);
  const said = tidy(cause.message);
  return { code, detail: `${POST_ERRORS[code].detail.replace(/\.$/, '')} (${said}).` };
}

function codeOf(error: Error): PostErrorCode {
  // Its code is missing for what is not HTTP at all.
  if (error instanceof errors.HTTPParserError) return 'invalid_response';
  const name = nameOf(error);
  if (name === 'ENETUNREACH' && isIPv4(addressOf(error))) return 'local_error';
  const known = CODES[name];
  if (known !== undefined) return known;
  if (CLIENT_CERTIFICATE_ALERT.test(name)) return 'client_certificate_refused';
  if (/^ERR_(TLS|SSL|OSSL)/.test(name)) return 'tls_error';
  if (/^(HPE_|UND_ERR_)/.test(name)) return 'invalid_response';
  return 'connection_closed';
}

const WITHOUT_A_WAY = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EAFNOSUPPORT', 'EADDRNOTAVAIL']);

/** Several addresses were tried. One that could be reached says more than one that could not. */
function mostTelling(failures: readonly Error[]): Error {
  return (
    failures.find((one) => !WITHOUT_A_WAY.has(nameOf(one))) ??
    failures.find((one) => isIPv4(addressOf(one))) ??
    failures.at(-1) ??
    new Error('no address could be reached')
  );
}

function nameOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function addressOf(error: Error): string {
  return 'address' in error && typeof error.address === 'string' ? error.address : '';
}

/** It goes into the store and onto a page: one line without control characters. */
function tidy(message: string): string {
  const line = message.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
  return line.length <= MAX_DETAIL_LENGTH ? line : `${line.slice(0, MAX_DETAIL_LENGTH)}...`;
}
