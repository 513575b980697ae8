import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { DkimAlgorithm } from './sign-message.ts';

/** A new key: what is published, and what is sealed. */
export interface GeneratedKey {
  /** For the tag p=, base64: SPKI for RSA (RFC 6376 3.6.1), the 32 bytes for Ed25519 (RFC 8463 4). */
  publicKey: string;
  /** PKCS #8, base64. */
  privateKey: string;
}

/** 2048: less is refused by big receivers, more does not fit into one string of a TXT record. */
const RSA_BITS = 2_048;
const ED25519_BYTES = 32;

const generate = promisify(generateKeyPair);

export async function generateKey(algorithm: DkimAlgorithm): Promise<GeneratedKey> {
  const pair =
    algorithm === 'rsa'
      ? await generate('rsa', { modulusLength: RSA_BITS })
      : await generate('ed25519');
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
  const published = algorithm === 'rsa' ? spki : spki.subarray(-ED25519_BYTES);
  return {
    publicKey: published.toString('base64'),
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
  };
}

export function readPrivateKey(base64: string): KeyObject {
  const key = Buffer.from(base64, 'base64');
  return createPrivateKey({ key, type: 'pkcs8', format: 'der' });
}

/** The TXT record of a key. */
export function dkimRecord(algorithm: DkimAlgorithm, publicKey: string): string {
  return `v=DKIM1; k=${algorithm}; p=${publicKey}`;
}
