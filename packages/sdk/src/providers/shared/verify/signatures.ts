import { createHmac, timingSafeEqual } from 'node:crypto';
import { WebhookError } from '../../../errors.ts';
import type { ProviderRequest, VerifyContext } from '../../provider.ts';
import { headerOf } from '../read/request-body.ts';
import { fromDateText } from '../read/timestamps.ts';

/** What the signatures of providers have in common: shared secrets, constant time, signed times. */

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

/** Half of the window for a signed time, where the provider signs each try afresh. */
export const DEFAULT_TOLERANCE_MS = 5 * MINUTE_MS;

/** Throws `missing_signature`. */
export function requireHeader(request: ProviderRequest, name: string): string {
  const value = headerOf(request, name);
  if (value !== null) return value;
  throw new WebhookError('missing_signature', `The header ${name} is missing.`);
}

/** Throws `missing_secret` when there is nothing to check with. */
export function requireSecrets(secrets: readonly string[], what: string): readonly string[] {
  const given = secrets.filter((secret) => secret !== '');
  if (given.length > 0) return given;
  throw new WebhookError('missing_secret', `There is no secret to check with. Give ${what}.`);
}

export interface HmacCheck {
  algorithm: 'sha1' | 'sha256';
  encoding: 'hex' | 'base64';
  /** The keys in their bytes, or as the text whose UTF-8 is the key. */
  keys: readonly (string | Uint8Array)[];
  /** What is signed, in order. */
  parts: readonly (string | Uint8Array)[];
  /** One signature, or several of which any may match. */
  given: string | readonly string[];
}

/** Throws `bad_signature` unless one of the keys made one of the signatures. */
export function checkHmac(check: HmacCheck): void {
  if (!matchesHmac(check)) throw badSignature();
}

/** True when one of the keys made one of the signatures. */
export function matchesHmac(check: HmacCheck): boolean {
  const given = (typeof check.given === 'string' ? [check.given] : check.given).slice(0, 32);
  const wanted = check.keys.map((key) => {
    const mac = createHmac(check.algorithm, key);
    for (const part of check.parts) mac.update(part);
    return Buffer.from(mac.digest(check.encoding));
  });
  return given.some((one) => {
    const text = check.encoding === 'hex' ? one.toLowerCase() : one;
    return wanted.some((mac) => equalInTime(mac, Buffer.from(text)));
  });
}

export function badSignature(cause?: unknown): WebhookError {
  return new WebhookError(
    'bad_signature',
    'No signature matches. Give the body byte by byte as it came, and the secret that belongs to it.',
    cause === undefined ? undefined : { cause },
  );
}

/** Compares in a time that depends on the lengths alone. */
export function equalInTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * Checks a signed time, in seconds (or ms) since the epoch or as a date. `usualMs` is the provider's
 * tolerance unless the context has its own. Throws `invalid_timestamp` and `timestamp_out_of_range`.
 */
export function checkAge(text: string, context: VerifyContext, usualMs: number): void {
  const signedMs = readTime(text);
  if (signedMs === null) {
    throw new WebhookError('invalid_timestamp', 'The signed time is neither seconds nor a date.');
  }
  const toleranceMs = context.toleranceMs ?? usualMs;
  const ageMs = context.nowMs - signedMs;
  if (Math.abs(ageMs) <= toleranceMs) return;
  const when = ageMs > 0 ? 'ago' : 'in the future';
  throw new WebhookError(
    'timestamp_out_of_range',
    `It was signed ${Math.round(Math.abs(ageMs) / 1_000)} s ${when}; ${toleranceMs / 1_000} s are allowed. Is this machine's clock right?`,
  );
}

function readTime(text: string): number | null {
  if (/^\d{1,11}(\.\d{1,9})?$/.test(text)) return Math.round(Number(text) * 1_000);
  if (/^\d{12,14}$/.test(text)) return Number(text);
  const date = fromDateText(text);
  return date === null ? null : Date.parse(date);
}
