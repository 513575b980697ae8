import { randomBytes } from 'node:crypto';
import type { SignatureKind, SigningKeyRecord } from '../../../core/endpoint-settings.ts';
import type { Ids } from '../../../core/ids.ts';
import { createSigningKey, KEY_BYTES, kindOfSecret } from '../../../core/signing-keys.ts';
import { refuse } from './apply-fields.ts';

/**
 * A new signing key: of the secret that the caller brings (checked by the body's schema), or of
 * chance. `kind` null: the one of that secret, or v1. Throws `invalid_field` when the two differ.
 */
export function makeKey(input: {
  ids: Ids;
  nowMs: number;
  kind: SignatureKind | null;
  secret: string | undefined;
}): SigningKeyRecord {
  const { ids, nowMs, kind, secret } = input;
  const id = ids.next('signingKey');
  if (secret === undefined) {
    return createSigningKey({ id, kind: kind ?? 'v1', random: randomBytes(KEY_BYTES), nowMs });
  }
  const ownKind = kindOfSecret(secret) ?? 'v1';
  if (kind !== null && kind !== ownKind) {
    refuse('/secret', `This secret signs as ${ownKind}, and "signature" asks for ${kind}.`);
  }
  return { id, kind: ownKind, secret, createdAtMs: nowMs, expiresAtMs: null };
}
