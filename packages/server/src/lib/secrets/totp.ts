import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * One-time passwords by time (RFC 6238 with SHA-1, 30 seconds and 6 digits: what authenticator apps
 * assume whatever the URL says).
 */
const STEP_MS = 30_000;
const DIGITS = 6;
/** Clocks of phones are off, and people type slowly: one step to either side (RFC 6238 5.2). */
const DRIFT_STEPS = 1;
/** RFC 4226 4, R6: as long as what SHA-1 gives. */
export const TOTP_SECRET_BYTES = 20;

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The step of time whose code this is, or null. Whoever takes it must refuse it and earlier ones from then on. */
export function findTotpStep(secret: Uint8Array, code: string, nowMs: number): number | null {
  const given = Buffer.from(code);
  const current = Math.floor(nowMs / STEP_MS);
  let found: number | null = null;
  for (let step = current - DRIFT_STEPS; step <= current + DRIFT_STEPS; step++) {
    const wanted = Buffer.from(totpCode(secret, step * STEP_MS));
    if (wanted.length === given.length && timingSafeEqual(wanted, given)) found = step;
  }
  return found;
}

/** The code of the step that `atMs` is in. */
export function totpCode(secret: Uint8Array, atMs: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(atMs / STEP_MS)));
  const mac = createHmac('sha1', secret).update(counter).digest();
  // RFC 4226 5.3: four bytes from where the last four bits say, without the sign.
  const offset = (mac.at(-1) ?? 0) & 15;
  const number = mac.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 10 ** DIGITS).padStart(DIGITS, '0');
}

/** What an authenticator app takes, as a QR code or by a link. */
export function toOtpauthUrl(secret: Uint8Array, issuer: string, account: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  return `otpauth://totp/${label}?secret=${encodeBase32(secret)}&issuer=${encodeURIComponent(issuer)}&algorithm=SHA1&digits=${DIGITS}&period=${STEP_MS / 1_000}`;
}

/** RFC 4648 6, without padding. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + BASE32[(value << (5 - bits)) & 31];
}

/** Null for what is not base 32. Case does not count, nor do spaces. */
export function decodeBase32(text: string): Uint8Array | null {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const char of text.replaceAll(' ', '').toUpperCase()) {
    const digit = BASE32.indexOf(char);
    if (digit === -1) return null;
    value = (value << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >>> bits) & 255);
      value &= (1 << bits) - 1;
    }
  }
  return Uint8Array.from(bytes);
}
