import { createHmac, KeyObject, sign, timingSafeEqual, verify } from 'node:crypto';
import { WebhookError } from '../errors.ts';
import type { CanonicalEvent } from '../event.ts';
import { importVerifier } from './standard-webhooks-keys.ts';

/**
 * Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks, spec): a signature over
 * `id.timestamp.body` in the header `webhook-signature`, several of them separated by spaces while
 * keys rotate. `v1,<base64>` is HMAC-SHA256 with a shared secret, `v1a,<base64>` is Ed25519.
 */

/** Half of the replay window: how far the sender's clock may be off, in seconds. */
export const DEFAULT_TOLERANCE_SECONDS = 300;

/** A sender has one key and a few old ones. More signatures are somebody's try to keep us busy. */
const MAX_SIGNATURES = 32;

/** A header's value by lower-case name; an array where the server repeats it. */
export type HeaderSource = Record<string, string | string[] | undefined> | Headers;

/**
 * One entry of `webhook-signature`: `v1a,<base64>` when the key is a private one, `v1,<base64>`
 * otherwise. `timestamp` is in seconds since the epoch.
 */
export function signStandardWebhook(input: {
  /** `importSecret(...)`, or the bytes of a shared secret. */
  key: KeyObject | Uint8Array;
  id: string;
  timestamp: number;
  body: string | Uint8Array;
}): string {
  const { key } = input;
  if (key instanceof KeyObject && key.type === 'private') {
    return `v1a,${sign(null, signedContent(input), key).toString('base64')}`;
  }
  const mac = createHmac('sha256', key).update(`${input.id}.${input.timestamp}.`);
  return `v1,${mac.update(input.body).digest('base64')}`;
}

function signedContent(input: {
  id: string;
  timestamp: number;
  body: string | Uint8Array;
}): Buffer {
  return Buffer.concat([Buffer.from(`${input.id}.${input.timestamp}.`), Buffer.from(input.body)]);
}

export interface VerifyOptions {
  /**
   * `whsec_...` for `v1`, `whpk_...` or a key of `importJwks` for `v1a`; several while one of them is
   * being replaced.
   */
  secret: string | KeyObject | readonly (string | KeyObject)[];
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

/** Checks signature and age, then parses. Throws WebhookError. */
export function verifyStandardWebhook(options: VerifyOptions): VerifiedWebhook {
  const { id, timestamp } = verifyStandardSignature(options);
  return { id, timestamp, event: parseEvent(options.body) };
}

/**
 * Checks signature and age, whatever the body is. Throws WebhookError. Header names of Svix
 * (`svix-id` ...) are understood too, since its users send the same format under those names.
 */
export function verifyStandardSignature(options: VerifyOptions): { id: string; timestamp: number } {
  const id = header(options.headers, 'id');
  const timestampText = header(options.headers, 'timestamp');
  const signatures = header(options.headers, 'signature');
  const timestamp = checkTimestamp(timestampText, options);
  const { body, secret } = options;
  const keys = (Array.isArray(secret) ? secret : [secret]).map(importVerifier);
  const isSigned = createCheck(keys, { id, timestamp, body });
  if (!signatures.split(' ').slice(0, MAX_SIGNATURES).some(isSigned)) {
    throw new WebhookError(
      'bad_signature',
      'No signature matches. Use the raw body as it came, and the key of this endpoint.',
    );
  }
  return { id, timestamp };
}

/** Says of one entry of the header whether any key made it. Versions that we do not know count for nothing. */
function createCheck(
  keys: readonly KeyObject[],
  input: { id: string; timestamp: number; body: string | Uint8Array },
): (signature: string) => boolean {
  const shared = keys.filter(({ type }) => type === 'secret');
  const macs = shared.map((key) => Buffer.from(signStandardWebhook({ ...input, key })));
  const publicKeys = keys.filter(({ asymmetricKeyType }) => asymmetricKeyType === 'ed25519');
  const content = signedContent(input);
  return (signature) => {
    if (!signature.startsWith('v1a,')) {
      const given = Buffer.from(signature);
      return macs.some((mac) => equalInTime(mac, given));
    }
    const bytes = Buffer.from(signature.slice('v1a,'.length), 'base64');
    return publicKeys.some((key) => verify(null, content, key, bytes));
  };
}

function header(headers: HeaderSource, name: 'id' | 'timestamp' | 'signature'): string {
  for (const full of [`webhook-${name}`, `svix-${name}`]) {
    const value = headers instanceof Headers ? headers.get(full) : headers[full];
    const text = Array.isArray(value) ? value.join(' ') : value;
    if (text !== undefined && text !== null && text !== '') return text;
  }
  throw new WebhookError('missing_signature', `The header webhook-${name} is missing.`);
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
      'timestamp_out_of_range',
      `The webhook was signed ${ageSeconds} s ago; at most ${tolerance} s are allowed. Is this machine's clock right?`,
    );
  }
  if (ageSeconds < -tolerance) {
    throw new WebhookError(
      'timestamp_out_of_range',
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
