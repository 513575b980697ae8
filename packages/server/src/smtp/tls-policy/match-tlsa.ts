import { createHash, type X509Certificate } from 'node:crypto';

/** A TLSA record (RFC 6698 2.1). */
export interface TlsaRecord {
  usage: number;
  selector: number;
  matchingType: number;
  data: Buffer;
}

const DANE_TA = 2;
const DANE_EE = 3;

/** Null for what is too short to be one. */
export function parseTlsa(data: Buffer): TlsaRecord | null {
  const [usage, selector, matchingType] = data;
  if (usage === undefined || selector === undefined || matchingType === undefined) return null;
  return { usage, selector, matchingType, data: data.subarray(3) };
}

/** RFC 7672 3.1: for SMTP the usages 2 and 3 alone; and only what we can compute. */
export function isUsable({ usage, selector, matchingType, data }: TlsaRecord): boolean {
  const isKnown = selector <= 1 && matchingType <= 2 && data.length > 0;
  return isKnown && (usage === DANE_TA || usage === DANE_EE);
}

/**
 * Null where a record vouches for the server; otherwise why none does. With usage 3 the certificate's
 * names and dates do not matter (RFC 7672 3.1.1); with usage 2 they do, up to the certificate that the
 * record names, which the server has to send with its own (3.1.2).
 */
export function matchTlsa(
  chain: readonly X509Certificate[],
  records: readonly TlsaRecord[],
  expected: { names: readonly string[]; nowMs: number },
): string | null {
  const [leaf] = chain;
  if (leaf === undefined) return 'the server sent no certificate';
  let why = 'no certificate of the server fits its TLSA records';
  for (const record of records) {
    if (record.usage === DANE_EE && fits(leaf, record)) return null;
    if (record.usage !== DANE_TA) continue;
    const anchor = chain.findIndex((certificate) => fits(certificate, record));
    if (anchor === -1) continue;
    const fault = faultUpTo(chain.slice(0, anchor + 1), expected);
    if (fault === null) return null;
    why = fault;
  }
  return why;
}

function fits(certificate: X509Certificate, record: TlsaRecord): boolean {
  const { selector, matchingType, data } = record;
  const whole =
    selector === 0
      ? certificate.raw
      : certificate.publicKey.export({ type: 'spki', format: 'der' });
  if (matchingType === 0) return whole.equals(data);
  return createHash(matchingType === 1 ? 'sha256' : 'sha512')
    .update(whole)
    .digest()
    .equals(data);
}

function faultUpTo(
  chain: readonly X509Certificate[],
  { names, nowMs }: { names: readonly string[]; nowMs: number },
): string | null {
  const [leaf] = chain;
  if (!names.some((name) => leaf?.checkHost(name) !== undefined)) {
    return `the certificate is not for ${names[0] ?? 'the server'}`;
  }
  for (const [at, certificate] of chain.entries()) {
    if (Date.parse(certificate.validFrom) > nowMs || Date.parse(certificate.validTo) < nowMs) {
      return 'a certificate of the server is not valid at this time';
    }
    const issuer = chain[at + 1];
    if (issuer === undefined) continue;
    const isIssued = issuer.ca && certificate.checkIssued(issuer);
    if (!isIssued || !certificate.verify(issuer.publicKey)) {
      return 'the certificates of the server do not vouch for each other';
    }
  }
  return null;
}
