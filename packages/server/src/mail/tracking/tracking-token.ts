import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { isId } from '../../core/ids.ts';
import { isStream, type Stream } from '../../core/mail/streams.ts';
import type { SecretBox } from '../../lib/secrets/secret-box.ts';

/** Which copy of which message a URL of ours stands in. */
export interface CopyRef {
  projectId: string;
  messageId: string;
  recipient: string;
}

/** What a URL of ours is for. */
export type TrackingRef =
  | ({ kind: 'open' } & CopyRef)
  /** `linkId`: its place in the message, `1` for the first link of the HTML, `t1` of the text. */
  | ({ kind: 'click'; url: string; linkId: string } & CopyRef)
  /** Has what it needs to unsubscribe when the message itself is long gone. */
  | ({ kind: 'unsubscribe'; stream: Stream; from: string } & CopyRef);

/**
 * Texts in URLs that only we can make: authenticated, so that a redirect goes nowhere but where the
 * message said, and encrypted, so that no address stands in the logs of proxies or in a link that is
 * passed on (AES-256-GCM). All that a URL means is in it; nothing is looked up to redirect.
 */
export interface TrackingTokens {
  make(ref: TrackingRef): string;
  /** Null for what we have not made, or what was changed. Text of any kind may come. */
  read(token: string): TrackingRef | null;
}

/** Of a URL that is wrapped, bytes. Longer ones stay as they are: some clients cut URLs at 2,083 characters. */
export const MAX_WRAPPED_URL_BYTES = 1_200;
/** What `make` can give, with an address of 320 characters: two bytes of three are payload. */
export const MAX_TOKEN_CHARS = 4_000;

const IV_BYTES = 12;
const TAG_BYTES = 16;
const LETTERS = { open: 'o', click: 'c', unsubscribe: 'u' } as const;
/** The first part of what is sealed; another shape of token gets another one. */
const VERSION = '1';

export function createTrackingTokens(secretBox: Pick<SecretBox, 'derive'>): TrackingTokens {
  const key = secretBox.derive('tracking');
  return {
    make(ref) {
      const plain = [VERSION, LETTERS[ref.kind], ...partsOf(ref)].join('\n');
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const sealed = [cipher.update(plain, 'utf8'), cipher.final()];
      return Buffer.concat([iv, cipher.getAuthTag(), ...sealed]).toString('base64url');
    },
    read(token) {
      if (token.length > MAX_TOKEN_CHARS || !/^[\w-]+$/.test(token)) return null;
      const bytes = Buffer.from(token, 'base64url');
      // base64url of one text only: the bits that fill up the last character are zeros.
      if (bytes.length <= IV_BYTES + TAG_BYTES || bytes.toString('base64url') !== token)
        return null;
      const plain = open(bytes, key);
      return plain === null ? null : parse(plain.split('\n'));
    },
  };
}

function partsOf(ref: TrackingRef): string[] {
  const copy = [ref.projectId, ref.messageId, ref.recipient];
  switch (ref.kind) {
    case 'open':
      return copy;
    case 'click':
      return [...copy, ref.linkId, ref.url];
    case 'unsubscribe':
      return [...copy, ref.stream, ref.from];
  }
}

function open(bytes: Buffer, key: Uint8Array): string | null {
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  try {
    const body = bytes.subarray(IV_BYTES + TAG_BYTES);
    return decipher.update(body, undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return null;
  }
}

function parse(parts: readonly string[]): TrackingRef | null {
  const [version, letter, projectId = '', messageId = '', recipient = '', ...rest] = parts;
  if (version !== VERSION || !isId('message', messageId)) return null;
  const copy = { projectId, messageId, recipient };
  const [first = '', second = ''] = rest;
  if (letter === LETTERS.open) return { kind: 'open', ...copy };
  if (letter === LETTERS.click) return { kind: 'click', ...copy, linkId: first, url: second };
  if (letter !== LETTERS.unsubscribe || !isStream(first)) return null;
  return { kind: 'unsubscribe', ...copy, stream: first, from: second };
}
