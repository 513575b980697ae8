import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';

/**
 * A self-signed certificate (X.509 v3, RFC 5280) of an RSA key, written in DER by hand, since
 * node:crypto reads certificates and makes none. The same input gives the same certificate.
 */
export function createSelfSignedCertificate(input: {
  privateKey: KeyObject;
  commonName: string;
  /** Unlike that of other certificates of the same name. */
  serial: string;
  validFromMs: number;
  validToMs: number;
}): string {
  const { privateKey, commonName, serial, validFromMs, validToMs } = input;
  const name = sequence(set(sequence(COMMON_NAME, element(0x0c, Buffer.from(commonName)))));
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const body = sequence(
    element(0xa0, integer(Buffer.from([2]))),
    integer(serialOf(serial)),
    RSA_SHA256,
    name,
    sequence(time(validFromMs), time(validToMs)),
    name,
    spki,
  );
  const signature = sign('sha256', body, privateKey);
  const der = sequence(body, RSA_SHA256, element(0x03, Buffer.from([0]), signature));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** Tag, length, content (X.690 8.1). */
function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(body.length)]), body]);
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return [0x80 | bytes.length, ...bytes];
}

const sequence = (...content: readonly Uint8Array[]): Buffer => element(0x30, ...content);
const set = (...content: readonly Uint8Array[]): Buffer => element(0x31, ...content);
const integer = (bytes: Uint8Array): Buffer => element(0x02, bytes);

/** 1.2.840.113549.1.1.11, with the NULL that RFC 4055 asks for. */
const RSA_SHA256 = Buffer.from('300d06092a864886f70d01010b0500', 'hex');
/** 2.5.4.3 */
const COMMON_NAME = Buffer.from('0603550403', 'hex');

/** Positive, and not beginning with a zero byte. */
function serialOf(text: string): Buffer {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

/** UTCTime through 2049, GeneralizedTime after that (RFC 5280 4.1.2.5). */
function time(ms: number): Buffer {
  const digits = `${new Date(ms).toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`;
  return ms < Date.UTC(2050, 0, 1)
    ? element(0x17, Buffer.from(digits.slice(2)))
    : element(0x18, Buffer.from(digits));
}
