import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import {
  decodeSecret,
  encodePrivateKey,
  encodeSecret,
  importSecret,
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

/** Fits v1 and v1a: the spec asks for 24 to 64 bytes, and an Ed25519 seed has 32. */
export const KEY_BYTES = 32;

/** As OpenSSL makes them by default; more would cost each post several ms. */
const RSA_BITS = 2_048;

const generate = promisify(generateKeyPair);

/** A new key of that kind. RSA takes some 100 ms of another thread. */
export async function createSigningKey(input: {
  id: string;
  kind: SignatureKind;
  /** KEY_BYTES of `randomBytes`, for secrets that are made of bytes; key pairs have their own chance. */
  random: Uint8Array;
  nowMs: number;
}): Promise<SigningKeyRecord> {
  const { id, kind, random, nowMs } = input;
  const secret = await createSecret(kind, random);
  return { id, kind, secret, createdAtMs: nowMs, expiresAtMs: null };
}

async function createSecret(kind: SignatureKind, random: Uint8Array): Promise<string> {
  switch (kind) {
    case 'v1':
      return encodeSecret(random);
    case 'v1a':
      return encodePrivateKey(random);
    case 'hmac':
      return Buffer.from(random).toString('base64url');
    case 'rsa':
      return toPem((await generate('rsa', { modulusLength: RSA_BITS })).privateKey);
    case 'ecdsa':
      return toPem((await generate('ec', { namedCurve: 'prime256v1' })).privateKey);
    case 'ed25519':
      return toPem((await generate('ed25519')).privateKey);
  }
}

const toPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** What signs. Throws for a secret that is no key of its kind. */
export function importSigningKey({ kind, secret }: SigningKeyRecord): KeyObject {
  if (kind === 'v1' || kind === 'v1a') return importSecret(secret);
  return kind === 'hmac' ? createSecretKey(secret, 'utf8') : createPrivateKey(secret);
}

/** A handler and Posthorn know the same secret; otherwise the handler needs the public key alone. */
export const isSharedSecret = (kind: SignatureKind): boolean => kind === 'v1' || kind === 'hmac';

/** The kind that a secret in text is meant to be, of these; `null` for none. */
export function kindOfSecret(
  secret: string,
  kinds: readonly SignatureKind[],
): SignatureKind | null {
  const found = kinds.filter((kind) => looksLike(secret, kind));
  return found[0] ?? null;
}

function looksLike(secret: string, kind: SignatureKind): boolean {
  switch (kind) {
    case 'v1':
      return secret.startsWith('whsec_');
    case 'v1a':
      return secret.startsWith('whsk_');
    case 'hmac':
      return !secret.includes('-----BEGIN');
    default:
      return secret.includes('-----BEGIN');
  }
}

const ADVICE: Readonly<Record<SignatureKind, string>> = {
  v1: '"whsec_" and base64 of 24 to 64 bytes',
  v1a: '"whsk_" and base64 of an Ed25519 key (32 bytes of seed, 32 of public key)',
  hmac: '8 to 200 printable ASCII characters without spaces',
  rsa: 'an RSA private key in PEM, of 1,024 bits or more',
  ecdsa: 'a private key of the curve P-256 in PEM',
  ed25519: 'an Ed25519 private key in PEM',
};

/** What is wrong with a secret that somebody brings, as a sentence; `null` when it can sign so. */
export function explainSecret(secret: string, kinds: readonly SignatureKind[]): string | null {
  const kind = kindOfSecret(secret, kinds);
  if (kind === null) return `A secret is ${kinds.map((one) => ADVICE[one]).join(', or ')}.`;
  try {
    if (kind === 'v1') encodeSecret(decodeSecret(secret));
    else if (kind === 'v1a') publicKeyOf(secret);
    else if (!isFit(secret, kind)) return `The secret has to be ${ADVICE[kind]}.`;
    return null;
  } catch (error) {
    if (error instanceof WebhookError) return error.message;
    throw error;
  }
}

/** Postal made keys of 1,024 bits for long, and handlers that know one are to go on. */
const MIN_RSA_BITS = 1_024;

function isFit(secret: string, kind: SignatureKind): boolean {
  if (kind === 'hmac') return /^[\x21-\x7e]{8,200}$/.test(secret);
  const key = readPem(secret);
  const { modulusLength = 0, namedCurve } = key?.asymmetricKeyDetails ?? {};
  switch (key?.asymmetricKeyType) {
    case 'rsa':
      return kind === 'rsa' && modulusLength >= MIN_RSA_BITS;
    case 'ec':
      return kind === 'ecdsa' && namedCurve === 'prime256v1';
    case 'ed25519':
      return kind === 'ed25519';
    default:
      return false;
  }
}

function readPem(text: string): KeyObject | null {
  try {
    return createPrivateKey(text);
  } catch {
    return null;
  }
}

/** Those that sign at this time. */
export function livingKeys<T extends { expiresAtMs: number | null }>(
  keys: readonly T[],
  nowMs: number,
): T[] {
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

/** A public key for a JWKS document (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2). */
export interface PublicJwk {
  kty: string;
  crv?: string;
  x?: string;
  y?: string;
  n?: string;
  e?: string;
  kid: string;
  use: 'sig';
  alg: string;
}

const ALGORITHMS: Readonly<Record<string, string>> = { RSA: 'RS256', EC: 'ES256', OKP: 'EdDSA' };

/** Of a key that is no shared secret. Nothing of its private part is in it. */
export function toPublicJwk(record: SigningKeyRecord): PublicJwk {
  const {
    kty = '',
    crv,
    x,
    y,
    n,
    e,
  }: JsonWebKey = importPublicKey(record).export({
    format: 'jwk',
  });
  const parts = Object.entries({ crv, x, y, n, e }).filter(([, value]) => value !== undefined);
  return {
    kty,
    ...Object.fromEntries(parts),
    kid: record.id,
    use: 'sig',
    alg: ALGORITHMS[kty] ?? '',
  };
}

/** The public half of a key that is no shared secret. */
export function importPublicKey(record: SigningKeyRecord): KeyObject {
  return createPublicKey(importSigningKey(record));
}

/** As receivers take it: `whpk_...` of v1a, else base64 of DER (SPKI); `null` of a shared secret. */
export function publicTextOf(record: SigningKeyRecord): string | null {
  if (isSharedSecret(record.kind)) return null;
  if (record.kind === 'v1a') return publicKeyOf(record.secret);
  return importPublicKey(record).export({ type: 'spki', format: 'der' }).toString('base64');
}
