import { importSecret, signStandardWebhook } from '@posthorn/sdk';
import type { SigningKeyRecord } from '../core/endpoint-settings.ts';

/** A signing key ready for use. */
export interface Signer {
  /** The signature as it stands in the header, with its version: `v1,...`. */
  sign(input: { id: string; timestamp: number; body: Uint8Array }): string;
  /** After a rotation, the old key signs beside the new one until then; null for the current one. */
  expiresAtMs: number | null;
}

export function createSigner(record: SigningKeyRecord): Signer {
  const key = importSecret(record.secret);
  return {
    sign: (input) => signStandardWebhook({ ...input, key }),
    expiresAtMs: record.expiresAtMs,
  };
}
