import {
  decodeSecret,
  encodePrivateKey,
  encodeSecret,
  publicKeyOf,
  WebhookError,
} from '@posthorn/sdk';
import type { SignatureKind, SigningKeyRecord } from './endpoint-settings.ts';

/**
 * The signing keys of an endpoint: the current one first, then those that were replaced and still
 * sign beside it for a while, the newest first. A consumer that knows any of them can verify.
 *
 *   current -> (rotate, with an overlap) old, until expiresAtMs -> dropped at the next change
 *   current -> (rotate, without one) dropped
 */

/** Each old key is another signature in the header of every post. */
export const MAX_OLD_KEYS = 10;
export const DEFAULT_OVERLAP_MS = 86_400_000;
export const MAX_OVERLAP_MS = 7 * 86_400_000;

/** Fits both kinds: the spec asks for 24 to 64 bytes, and an Ed25519 seed has 32. */
export const KEY_BYTES = 32;

export function createSigningKey(input: {
  id: string;
  kind: SignatureKind;
  /** KEY_BYTES of `randomBytes`. */
  random: Uint8Array;
  nowMs: number;
}): SigningKeyRecord {
  const { id, kind, random, nowMs } = input;
  const secret = kind === 'v1' ? encodeSecret(random) : encodePrivateKey(random);
  return { id, kind, secret, createdAtMs: nowMs, expiresAtMs: null };
}

/** The kind that a secret in text is meant to be, by its prefix; `null` for neither. */
export function kindOfSecret(secret: string): SignatureKind | null {
  if (secret.startsWith('whsec_')) return 'v1';
  return secret.startsWith('whsk_') ? 'v1a' : null;
}

/** What is wrong with a secret that somebody brings, as a sentence; `null` when it can sign. */
export function explainSecret(secret: string): string | null {
  const kind = kindOfSecret(secret);
  if (kind === null) {
    return 'A secret is "whsec_" and base64 of 24 to 64 bytes, or "whsk_" and base64 of an Ed25519 key (32 bytes of seed, 32 of public key).';
  }
  try {
    if (kind === 'v1') encodeSecret(decodeSecret(secret));
    else publicKeyOf(secret);
    return null;
  } catch (error) {
    if (error instanceof WebhookError) return error.message;
    throw error;
  }
}

/** Those that sign at this time. */
export function livingKeys(keys: readonly SigningKeyRecord[], nowMs: number): SigningKeyRecord[] {
  return keys.filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs);
}

/**
 * The keys after a rotation. The current one signs on for the overlap, older ones as long as they
 * were to; without an overlap all of them end at once. `null` when too many old ones would sign.
 */
export function rotateKeys(
  keys: readonly SigningKeyRecord[],
  next: SigningKeyRecord,
  { overlapMs, nowMs }: { overlapMs: number; nowMs: number },
): SigningKeyRecord[] | null {
  if (overlapMs === 0) return [next];
  const old = livingKeys(keys, nowMs).map((key) => ({
    ...key,
    expiresAtMs: key.expiresAtMs ?? nowMs + overlapMs,
  }));
  return old.length > MAX_OLD_KEYS ? null : [next, ...old];
}

/** A public key for a JWKS document (RFC 7517 section 4, RFC 8037 section 2). */
export interface PublicJwk {
  kty: 'OKP';
  crv: 'Ed25519';
  x: string;
  kid: string;
  use: 'sig';
  alg: 'EdDSA';
}

/** Of a key of kind `v1a`. Nothing of its private part is in it. */
export function toPublicJwk({ id, secret }: SigningKeyRecord): PublicJwk {
  const bytes = Buffer.from(publicKeyOf(secret).slice('whpk_'.length), 'base64');
  const x = bytes.toString('base64url');
  return { kty: 'OKP', crv: 'Ed25519', x, kid: id, use: 'sig', alg: 'EdDSA' };
}
