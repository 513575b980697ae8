import {
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  verify,
  X509Certificate,
} from 'node:crypto';
import { WebhookError } from '../../../errors.ts';
import { parse } from '../build/build-event.ts';
import { fields, isFields, list, text } from '../read/fields.ts';

/** Public keys as providers publish them: PEM, a certificate, base64 of DER (SPKI), or JWKS. */

export interface NamedKey {
  key: KeyObject;
  /** RFC 7517 4.5; `null` where the key has no name. */
  kid: string | null;
}

/** Throws `invalid_secret`. */
export function importPublicKeys(written: string): NamedKey[] {
  try {
    const document = written.trim().startsWith('{') ? parse(written) : null;
    if (document !== null) return importJwks(document);
    if (written.includes('-----BEGIN CERTIFICATE-----')) {
      return [{ key: new X509Certificate(written).publicKey, kid: null }];
    }
    const key = written.includes('-----BEGIN')
      ? createPublicKey(written)
      : createPublicKey({ key: Buffer.from(written, 'base64'), format: 'der', type: 'spki' });
    return [{ key, kid: null }];
  } catch (cause) {
    if (cause instanceof WebhookError) throw cause;
    throw new WebhookError(
      'invalid_secret',
      'The secret is no public key. Give it as the provider shows it: PEM, base64, or a JWKS document.',
      { cause },
    );
  }
}

function importJwks(document: unknown): NamedKey[] {
  const keys = isFields(document) && 'keys' in document ? list(document['keys']) : [document];
  return keys.filter(isFields).map((jwk) => ({
    key: createPublicKey({ key: fields(jwk) as JsonWebKey, format: 'jwk' }),
    kid: text(jwk['kid']),
  }));
}

/** True when the key made the signature. A malformed signature or a key of another kind made none. */
export function isSignedBy(
  key: KeyObject,
  algorithm: 'sha1' | 'sha256' | null,
  content: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return verify(algorithm, content, key, signature);
  } catch {
    return false;
  }
}
