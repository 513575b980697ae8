import { type DialectKey, signStandardWebhook } from '@posthorn/sdk';
import type { SigningKeyRecord } from '../core/webhooks/endpoint-settings.ts';
import { importSigningKey } from '../core/webhooks/signing-keys.ts';

/** A signing key ready for use. */
export interface Signer extends DialectKey {
  /** After a rotation, the old key signs beside the new one until then; null for the current one. */
  expiresAtMs: number | null;
  /** The signature of Standard Webhooks as it stands in the header, with its version: `v1,...`. */
  sign(input: { id: string; timestamp: number; body: Uint8Array }): string;
}

export function createSigner(record: SigningKeyRecord): Signer {
  const key = importSigningKey(record);
  return {
    id: record.id,
    kind: record.kind,
    key,
    expiresAtMs: record.expiresAtMs,
    sign: (input) => signStandardWebhook({ ...input, key }),
  };
}
