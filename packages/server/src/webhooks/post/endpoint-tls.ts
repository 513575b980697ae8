import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { toTimestamp } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { EndpointTls } from './post-target.ts';

export type EndpointTlsField = 'client_certificate' | 'client_key' | 'ca_certificate';

export interface EndpointTlsFault {
  field: EndpointTlsField;
  /** A sentence or two for the person who saves it. */
  message: string;
}

/** A certificate as the API shows it; the times are RFC 3339. */
export interface CertificateDescription {
  subject: string;
  issuer: string;
  valid_from: string;
  valid_to: string;
  /** Upper-case hex with colons, as `openssl x509 -fingerprint -sha256` prints it. */
  fingerprint_sha256: string;
}

/** Checks what an endpoint brings to TLS when it is saved. Null when a handshake can use it. */
export function checkEndpointTls(tls: EndpointTls, nowMs: number): EndpointTlsFault | null {
  const { certificate, privateKey, ca } = tls;
  return (
    (certificate === null ? null : checkCertificates('client_certificate', certificate, nowMs)) ??
    (ca === null ? null : checkCertificates('ca_certificate', ca, nowMs)) ??
    checkPair(certificate, privateKey) ??
    checkByOpenSsl(tls)
  );
}

/** Of a chain, its first certificate. Throws an Error where there is none. */
export function describeCertificate(pem: string): CertificateDescription {
  const [first = pem] = splitCertificates(pem);
  const certificate = new X509Certificate(first);
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    valid_from: toTimestamp(certificate.validFromDate.getTime()),
    valid_to: toTimestamp(certificate.validToDate.getTime()),
    fingerprint_sha256: certificate.fingerprint256,
  };
}

function checkCertificates(
  field: 'client_certificate' | 'ca_certificate',
  pem: string,
  nowMs: number,
): EndpointTlsFault | null {
  if (pem.includes('PRIVATE KEY-----')) {
    const message = 'There is a private key in it. Take it out: certificates are shown to people.';
    return { field, message };
  }
  const blocks = splitCertificates(pem);
  if (blocks.length === 0) {
    const message = 'This is no PEM certificate; it begins with -----BEGIN CERTIFICATE-----.';
    return { field, message };
  }
  for (const [index, block] of blocks.entries()) {
    const which =
      blocks.length === 1 ? 'The certificate' : `Certificate ${index + 1} of ${blocks.length}`;
    const message = checkCertificate(which, block, nowMs);
    if (message !== null) return { field, message };
  }
  return null;
}

function checkCertificate(which: string, block: string, nowMs: number): string | null {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(block);
  } catch (error) {
    return `${which} cannot be read (${messageOf(error)}). Paste the PEM file as it is.`;
  }
  const { validFromDate, validToDate } = certificate;
  const name = `${which} (${oneLine(certificate.subject)})`;
  if (validToDate.getTime() <= nowMs) {
    return `${name} expired at ${toTimestamp(validToDate.getTime())}. Renew it.`;
  }
  if (validFromDate.getTime() > nowMs) {
    return `${name} is not valid before ${toTimestamp(validFromDate.getTime())}.`;
  }
  return null;
}

function checkPair(certificate: string | null, privateKey: string | null): EndpointTlsFault | null {
  if (privateKey === null) {
    if (certificate === null) return null;
    return { field: 'client_key', message: 'A client certificate needs its private key.' };
  }
  if (certificate === null) {
    return { field: 'client_certificate', message: 'A client key needs its certificate.' };
  }
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey(privateKey);
  } catch (error) {
    return { field: 'client_key', message: explainKeyFault(privateKey, error) };
  }
  const [leaf = certificate] = splitCertificates(certificate);
  if (new X509Certificate(leaf).checkPrivateKey(key)) return null;
  const message =
    'The key does not belong to the certificate. Of a chain, your own certificate comes first.';
  return { field: 'client_key', message };
}

/** OpenSSL's own words are left out: they may quote the key. */
function explainKeyFault(pem: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ERR_MISSING_PASSPHRASE' || pem.includes('ENCRYPTED')) {
    return 'The key is locked with a passphrase. Unlock it: openssl pkey -in key.pem -out open.pem.';
  }
  return 'This is no PEM private key; it begins with -----BEGIN PRIVATE KEY-----.';
}

/** What only a handshake would show otherwise, such as a key too short for today's limits. */
function checkByOpenSsl({ certificate, privateKey }: EndpointTls): EndpointTlsFault | null {
  if (certificate === null || privateKey === null) return null;
  try {
    createSecureContext({ cert: certificate, key: privateKey });
    return null;
  } catch (error) {
    const said = messageOf(error).split(':').at(-1);
    const message = `TLS does not take this certificate (${said}). Make one with a newer kind of key.`;
    return { field: 'client_certificate', message };
  }
}

function splitCertificates(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function oneLine(name: string): string {
  return name.trim().split('\n').join(', ');
}
