import { createSelfSignedCertificate } from '../../lib/secrets/self-signed-certificate.ts';
import type { SigningKeyRecord } from './endpoint-settings.ts';
import { importSigningKey } from './signing-keys.ts';

/** Longer than any key signs; verifiers of SNS do not look at it. */
const VALID_MS = 20 * 365 * 86_400_000;

/** The certificate of an RSA key, in PEM: the same whenever it is asked for, as all of it follows from the key. */
export function certificateOf(key: SigningKeyRecord): string {
  return createSelfSignedCertificate({
    privateKey: importSigningKey(key),
    commonName: 'Posthorn webhooks',
    serial: key.id,
    validFromMs: key.createdAtMs,
    validToMs: key.createdAtMs + VALID_MS,
  });
}
