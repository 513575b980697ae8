import { randomBytes } from 'node:crypto';
import type { Ids } from '../../../core/ids.ts';
import { dialectOf } from '../../../core/webhooks/dialects.ts';
import type {
  DialectName,
  SignatureKind,
  SigningKeyRecord,
} from '../../../core/webhooks/endpoint-settings.ts';
import {
  createSigningKey,
  explainSecret,
  KEY_BYTES,
  kindOfSecret,
} from '../../../core/webhooks/signing-keys.ts';
import { refuse } from './apply-fields.ts';

/**
 * A new signing key for a dialect: of the secret that the caller brings, or of chance. `kind` null: the
 * one of that secret, or the dialect's first. Rejects with `invalid_field` for a secret that cannot
 * sign, and when secret, kind and dialect do not fit together.
 */
export async function makeKey(input: {
  ids: Ids;
  nowMs: number;
  dialect: DialectName;
  kind: SignatureKind | null;
  secret: string | undefined;
}): Promise<SigningKeyRecord> {
  const { ids, nowMs, dialect, kind, secret } = input;
  const { signs } = dialectOf(dialect);
  if (kind !== null && !signs.includes(kind)) {
    refuse(
      '/signature',
      `The dialect ${dialect} signs with ${signs.join(' or ')}, not with ${kind}.`,
    );
  }
  const id = ids.next('signingKey');
  if (secret === undefined) {
    const chosen = kind ?? signs[0] ?? 'v1';
    return createSigningKey({ id, kind: chosen, random: randomBytes(KEY_BYTES), nowMs });
  }
  const fault = explainSecret(secret, signs);
  if (fault !== null) refuse('/secret', fault);
  const ownKind = kindOfSecret(secret, signs) ?? 'v1';
  if (kind !== null && kind !== ownKind) {
    refuse('/secret', `This secret signs as ${ownKind}, and "signature" asks for ${kind}.`);
  }
  return { id, kind: ownKind, secret, createdAtMs: nowMs, expiresAtMs: null };
}
