import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/**
 * Secrets at rest: AES-256-GCM under a key derived (HKDF-SHA256) from the master key, which lives
 * outside the database. Sealed text is `v1.<iv>.<tag>.<ciphertext>`, base64url. The context (say,
 * `endpoint:ep_...`) is authenticated too, so a sealed value moved to another row does not open.
 */
export interface SecretBox {
  seal(plain: string, context: string): string;
  /** Throws when the value was sealed under another key or context, or was changed. */
  open(sealed: string, context: string): string;
  /** A key of 32 bytes for another use, the same whenever the root (see below) and the context are. */
  derive(context: string): Uint8Array;
}

const IV_BYTES = 12;
/** Without it, Node takes a tag that was cut to 4 bytes, which can be guessed. */
const TAG_BYTES = 16;

/**
 * `root`: what other keys are derived from. It stays when the master key is replaced, so that what was
 * signed with a derived key keeps its meaning; without one, the master key itself.
 */
export function createSecretBox(masterKey: Uint8Array, root: Uint8Array = masterKey): SecretBox {
  const key = new Uint8Array(hkdfSync('sha256', masterKey, '', 'posthorn/secrets/v1', 32));
  return {
    derive: (context) => new Uint8Array(hkdfSync('sha256', root, '', `posthorn/${context}/v1`, 32)),
    seal(plain, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      cipher.setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return [
        'v1',
        ...[iv, cipher.getAuthTag(), body].map((part) => part.toString('base64url')),
      ].join('.');
    },
    open(sealed, context) {
      const [version, iv, tag, body] = sealed.split('.');
      if (version !== 'v1' || iv === undefined || tag === undefined || body === undefined) {
        throw new Error('Not a sealed value of version 1.');
      }
      const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(Buffer.from(tag, 'base64url'));
      try {
        return (
          decipher.update(Buffer.from(body, 'base64url'), undefined, 'utf8') +
          decipher.final('utf8')
        );
      } catch (cause) {
        throw new Error(
          'A stored secret does not open with this master key. Was the file master.key or POSTHORN_MASTER_KEY changed?',
          { cause },
        );
      }
    },
  };
}
