import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  KeyObject,
} from 'node:crypto';
import { WebhookError } from '../errors.ts';

/**
 * The keys of Standard Webhooks 1.0, as text: `whsec_` and base64 of an HMAC secret (`v1`); `whsk_` and
 * base64 of an Ed25519 key, which is its 32 bytes of seed and its 32 public bytes (`v1a`); `whpk_` and
 * base64 of the public bytes alone, which is all that a receiver of `v1a` needs.
 */

const SECRET_PREFIX = 'whsec_';
const PRIVATE_PREFIX = 'whsk_';
const PUBLIC_PREFIX = 'whpk_';

/** The spec asks for 24 to 64 bytes; shorter secrets of other systems are still verified. */
export const MIN_SECRET_BYTES = 24;
export const MAX_SECRET_BYTES = 64;

/** Of the seed and of the public key each (RFC 8032 section 5.1.5). */
export const ED25519_KEY_BYTES = 32;

/** What stands before the seed in the PKCS #8 form of an Ed25519 key (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The key inside `whsec_<base64>`. Throws WebhookError `invalid_secret`. */
export function decodeSecret(secret: string): Buffer {
  if (secret.startsWith(PRIVATE_PREFIX) || secret.startsWith(PUBLIC_PREFIX)) {
    throw invalid(`"${secret.slice(0, 5)}..." is an Ed25519 key and not a shared secret.`);
  }
  const text = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret;
  return decodeBase64(text, SECRET_PREFIX);
}

/** A secret for a new endpoint, from `randomBytes` of 24 to 64 bytes. */
export function encodeSecret(key: Uint8Array): string {
  if (key.length < MIN_SECRET_BYTES || key.length > MAX_SECRET_BYTES) {
    throw invalid(
      `A secret has ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes; this one has ${key.length}.`,
    );
  }
  return SECRET_PREFIX + Buffer.from(key).toString('base64');
}

/** `whsk_...` for a new endpoint, from `randomBytes` of 32 bytes. */
export function encodePrivateKey(seed: Uint8Array): string {
  if (seed.length !== ED25519_KEY_BYTES) {
    throw invalid(`The seed of an Ed25519 key has ${ED25519_KEY_BYTES} bytes.`);
  }
  const bytes = Buffer.concat([seed, publicBytesOf(importSeed(seed))]);
  return PRIVATE_PREFIX + bytes.toString('base64');
}

/** `whpk_...`, for receivers, of a `whsk_...`. Throws WebhookError `invalid_secret`. */
export function publicKeyOf(privateKey: string): string {
  return PUBLIC_PREFIX + publicBytesOf(importPrivateKey(privateKey)).toString('base64');
}

/**
 * What signs: a secret key for `whsec_`, a private one for `whsk_`. As a KeyObject, since with raw
 * bytes each `createHmac` of Node 24 imports the key anew, which costs 20 us where the signature
 * itself costs 4. Throws WebhookError `invalid_secret`.
 */
export function importSecret(secret: string): KeyObject {
  if (secret.startsWith(PRIVATE_PREFIX)) return importPrivateKey(secret);
  return createSecretKey(decodeSecret(secret));
}

/**
 * What verifies: a secret key for `whsec_`, a public one for `whpk_` (or for `whsk_`, which holds it).
 * Throws WebhookError `invalid_secret`.
 */
export function importVerifier(key: string | KeyObject): KeyObject {
  if (key instanceof KeyObject) return key.type === 'private' ? createPublicKey(key) : key;
  if (key.startsWith(PUBLIC_PREFIX)) return importPublicKey(key);
  const secret = importSecret(key);
  return secret.type === 'private' ? createPublicKey(secret) : secret;
}

/**
 * The Ed25519 keys of a JWKS document (RFC 7517 section 5, RFC 8037 section 2), such as
 * `GET /v1/endpoints/{id}/jwks.json` answers with; keys of other kinds are left out.
 * Throws WebhookError `invalid_secret` when it is no such document.
 */
export function importJwks(document: unknown): KeyObject[] {
  const keys =
    typeof document === 'object' && document !== null ? Reflect.get(document, 'keys') : null;
  if (!Array.isArray(keys)) throw invalid('A JWKS document is an object with a list "keys".');
  return keys.filter(isEd25519).map(importJwk);
}

function isEd25519(jwk: unknown): jwk is JsonWebKey {
  if (typeof jwk !== 'object' || jwk === null) return false;
  return Reflect.get(jwk, 'kty') === 'OKP' && Reflect.get(jwk, 'crv') === 'Ed25519';
}

function importJwk({ x }: JsonWebKey): KeyObject {
  try {
    // `x` alone: with a private part, the key would be one that signs.
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: x ?? '' }, format: 'jwk' });
  } catch (cause) {
    throw invalid('A key of the JWKS document is not an Ed25519 key.', cause);
  }
}

function importPrivateKey(text: string): KeyObject {
  const bytes = decodeBase64(text.slice(PRIVATE_PREFIX.length), PRIVATE_PREFIX);
  const key = bytes.length === 2 * ED25519_KEY_BYTES ? importSeed(bytes.subarray(0, 32)) : null;
  if (key !== null && publicBytesOf(key).equals(bytes.subarray(ED25519_KEY_BYTES))) return key;
  throw invalid(
    `"${PRIVATE_PREFIX}" is followed by base64 of 64 bytes: the seed of an Ed25519 key and the public key that belongs to it.`,
  );
}

function importPublicKey(text: string): KeyObject {
  const bytes = decodeBase64(text.slice(PUBLIC_PREFIX.length), PUBLIC_PREFIX);
  if (bytes.length !== ED25519_KEY_BYTES) {
    throw invalid(`"${PUBLIC_PREFIX}" is followed by base64 of the 32 bytes of a public key.`);
  }
  return importJwk({ x: bytes.toString('base64url') });
}

function importSeed(seed: Uint8Array): KeyObject {
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function publicBytesOf(key: KeyObject): Buffer {
  return Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url');
}

function decodeBase64(text: string, prefix: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length > 0 && /^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return bytes;
  throw invalid(
    `A key is "${prefix}" followed by base64. Copy it whole from where the endpoint was created.`,
  );
}

function invalid(message: string, cause?: unknown): WebhookError {
  return new WebhookError('invalid_secret', message, cause === undefined ? undefined : { cause });
}
