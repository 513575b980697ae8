import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { WebhookError } from '../errors.ts';
import type { CanonicalEvent } from '../event.ts';

/**
 * Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks, spec): HMAC-SHA256 over
 * `id.timestamp.body`, in the header `webhook-signature` as `v1,<base64>`, several of them separated
 * by spaces while secrets rotate.
 */

/** Half of the replay window: how far the sender's clock may be off, in seconds. */
export const DEFAULT_TOLERANCE_SECONDS = 300;

const SECRET_PREFIX = 'whsec_';

/** The spec asks for 24 to 64 bytes; shorter secrets of other systems are still verified. */
const MIN_NEW_SECRET_BYTES = 24;

/** A header's value by lower-case name; an array where the server repeats it. */
export type HeaderSource = Record<string, string | string[] | undefined> | Headers;

/** The key inside `whsec_<base64>`. Throws WebhookError `invalid_secret`. */
export function decodeSecret(secret: string): Buffer {
  const text = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret;
  const key = Buffer.from(text, 'base64');
  if (text.length === 0 || key.length === 0 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) {
    throw new WebhookError(
      'invalid_secret',
      `A secret is "${SECRET_PREFIX}" followed by base64. Copy it whole from where the endpoint was created.`,
    );
  }
  return key;
}

/**
 * The same as a KeyObject, for who signs often: with raw bytes each `createHmac` of Node 24 imports
 * the key anew, which costs 20 us where the signature itself costs 4.
 */
export function importSecret(secret: string): KeyObject {
  return createSecretKey(decodeSecret(secret));
}

/** A secret for a new endpoint, from `randomBytes` of 24 bytes or more. */
export function encodeSecret(key: Uint8Array): string {
  if (key.length < MIN_NEW_SECRET_BYTES) {
    throw new WebhookError(
      'invalid_secret',
      `A secret needs ${MIN_NEW_SECRET_BYTES} bytes or more.`,
    );
  }
  return SECRET_PREFIX + Buffer.from(key).toString('base64');
}

/** One entry of `webhook-signature`: `v1,<base64>`. `timestamp` is in seconds since the epoch. */
export function signStandardWebhook(input: {
  key: KeyObject | Uint8Array;
  id: string;
  timestamp: number;
  body: string | Uint8Array;
}): string {
  const mac = createHmac('sha256', input.key).update(`${input.id}.${input.timestamp}.`);
  return `v1,${mac.update(input.body).digest('base64')}`;
}

export interface VerifyOptions {
  /** `whsec_...`; several while one of them is being replaced. */
  secret: string | readonly string[];
  /** The raw body, as received: not parsed and serialised again. */
  body: string | Uint8Array;
  headers: HeaderSource;
  /** The receiver's time in ms; the system's by default. */
  nowMs?: number;
  toleranceSeconds?: number;
}

export interface VerifiedWebhook {
  /** The same on every retry and replay: the key for deduplication. */
  id: string;
  timestamp: number;
  event: CanonicalEvent;
}

/**
 * Checks signature and age, then parses. Throws WebhookError. Header names of Svix (`svix-id` ...)
 * are understood too, since its users send the same format under those names.
 */
export function verifyStandardWebhook(options: VerifyOptions): VerifiedWebhook {
  const id = header(options.headers, 'id');
  const timestampText = header(options.headers, 'timestamp');
  const signatures = header(options.headers, 'signature');
  const timestamp = checkTimestamp(timestampText, options);
  const secrets = typeof options.secret === 'string' ? [options.secret] : options.secret;
  const { body } = options;
  const expected = secrets.map((secret) =>
    Buffer.from(signStandardWebhook({ key: decodeSecret(secret), id, timestamp, body })),
  );
  const given = signatures.split(' ').map((text) => Buffer.from(text));
  if (!given.some((one) => expected.some((other) => equalInTime(one, other)))) {
    throw new WebhookError(
      'no_matching_signature',
      'No signature matches. Use the raw body as it came, and the secret of this endpoint.',
    );
  }
  return { id, timestamp, event: parseEvent(body) };
}

function header(headers: HeaderSource, name: 'id' | 'timestamp' | 'signature'): string {
  for (const full of [`webhook-${name}`, `svix-${name}`]) {
    const value = headers instanceof Headers ? headers.get(full) : headers[full];
    const text = Array.isArray(value) ? value.join(' ') : value;
    if (text !== undefined && text !== null && text !== '') return text;
  }
  throw new WebhookError('missing_header', `The header webhook-${name} is missing.`);
}

function checkTimestamp(text: string, options: VerifyOptions): number {
  if (!/^\d{1,12}$/.test(text)) {
    throw new WebhookError('invalid_timestamp', 'webhook-timestamp is not a number of seconds.');
  }
  const timestamp = Number(text);
  const ageSeconds = Math.floor((options.nowMs ?? Date.now()) / 1_000) - timestamp;
  const tolerance = options.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS;
  if (ageSeconds > tolerance) {
    throw new WebhookError(
      'timestamp_too_old',
      `The webhook was signed ${ageSeconds} s ago; at most ${tolerance} s are allowed. Is this machine's clock right?`,
    );
  }
  if (ageSeconds < -tolerance) {
    throw new WebhookError(
      'timestamp_too_new',
      `The webhook was signed ${-ageSeconds} s in the future. Is this machine's clock right?`,
    );
  }
  return timestamp;
}

function equalInTime(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function parseEvent(body: string | Uint8Array): CanonicalEvent {
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WebhookError('invalid_payload', 'The signature is right, but the body is not JSON.', {
      cause,
    });
  }
}
