import { createHmac, timingSafeEqual } from 'node:crypto';
import { isId } from '../../core/ids.ts';
import type { SecretBox } from '../../lib/secrets/secret-box.ts';

/** A mail that came in (`number` 0), or one of its files. */
export interface FileRef {
  projectId: string;
  receivedId: string;
  number: number;
  expiresAtMs: number;
}

/** Texts in URLs that only we can make, for who has no key: good for one file, until a time. */
export interface FileTokens {
  make(ref: FileRef): string;
  /** Null for what we have not made, what was changed, and what has expired. Text of any kind may come. */
  read(token: string, nowMs: number): FileRef | null;
}

export const MAX_FILE_TOKEN_CHARS = 300;
const PROOF_BYTES = 16;
const PROOF_CHARS = 22;

export function createFileTokens(secretBox: Pick<SecretBox, 'derive'>): FileTokens {
  const key = secretBox.derive('inbound-files');
  const prove = (payload: string): string =>
    createHmac('sha256', key)
      .update(payload)
      .digest()
      .subarray(0, PROOF_BYTES)
      .toString('base64url');
  return {
    make({ projectId, receivedId, number, expiresAtMs }) {
      const plain = [projectId, receivedId, number, expiresAtMs].join(' ');
      const payload = Buffer.from(plain).toString('base64url');
      return `${payload}${prove(payload)}`;
    },
    read(token, nowMs) {
      if (token.length > MAX_FILE_TOKEN_CHARS || token.length <= PROOF_CHARS) return null;
      const payload = token.slice(0, -PROOF_CHARS);
      const [given, right] = [Buffer.from(token.slice(-PROOF_CHARS)), Buffer.from(prove(payload))];
      if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
      const [projectId = '', receivedId = '', number, expires] = Buffer.from(payload, 'base64url')
        .toString()
        .split(' ');
      if (!isId('received', receivedId)) return null;
      const ref = { projectId, receivedId, number: Number(number), expiresAtMs: Number(expires) };
      return ref.expiresAtMs > nowMs ? ref : null;
    },
  };
}
