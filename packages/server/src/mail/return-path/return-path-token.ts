import { createHmac, timingSafeEqual } from 'node:crypto';
import { isId } from '../../core/ids.ts';
import { toComparableAddress } from '../../core/mail/mail-domain.ts';

/** Which message to which recipient a mail that came back speaks of. */
export interface ReturnPathRef {
  projectId: string;
  messageId: string;
  /** Stands for the recipient, whom the token does not name in the clear. */
  recipientMark: string;
}

/**
 * Addresses that mail comes back to: `bounce+<token>@...` and the like, one for each recipient of each message
 * (variable envelope return paths). Who does not have the master key cannot make one.
 */
export interface ReturnPathTokens {
  /** The local part: 55 octets behind the prefix (RFC 5321 4.5.3.1.1 allows 64), the same in any case. */
  localPart(about: { projectId: string; messageId: string; recipient: string }): string;
  /** Null for what we have not made, or what was changed. Bytes of any kind may come. */
  read(localPart: string): ReturnPathRef | null;
  isAbout(ref: ReturnPathRef, recipient: string): boolean;
}

export const BOUNCE_PREFIX = 'bounce+';

/**
 * Of the 18 bytes behind the message's id: three narrow down the project, five mark the recipient
 * (two of a thousand are alike once in two million messages), and ten prove that all of it is ours.
 * Whoever guesses needs a transaction for each try: 2^80 of them.
 */
const PROJECT_BYTES = 3;
const MARK_BYTES = 5;
const PROOF_BYTES = 10;

const ULID_CHARS = 26;
/** Crockford's, as in ids: no two characters of it differ in case alone. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TOKEN = new RegExp(`^[0-7][${ALPHABET}]{54}$`);

export function createReturnPathTokens(deps: {
  /** Of its own for each prefix. */
  key: Uint8Array;
  /** What local parts begin with; 9 characters at most. */
  prefix: string;
  projectIds: () => Iterable<string>;
}): ReturnPathTokens {
  const { key, prefix } = deps;
  /** What narrows them down, for each that was ever asked for. */
  const tags = new Map<string, string>();

  const hash = (use: string, parts: readonly string[], bytes: number): Buffer =>
    createHmac('sha256', key)
      .update([use, ...parts].join('\n'))
      .digest()
      .subarray(0, bytes);
  function projectTag(projectId: string): string {
    const known = tags.get(projectId);
    if (known !== undefined) return known;
    const tag = hash('project', [projectId], PROJECT_BYTES).toString('hex');
    tags.set(projectId, tag);
    return tag;
  }
  const prove = ({ projectId, messageId, recipientMark }: ReturnPathRef): Buffer =>
    hash('proof', [projectId, messageId, recipientMark], PROOF_BYTES);

  function markOf(projectId: string, messageId: string, recipient: string): Buffer {
    return hash('recipient', [projectId, messageId, toComparableAddress(recipient)], MARK_BYTES);
  }

  return {
    localPart({ projectId, messageId, recipient }) {
      const mark = markOf(projectId, messageId, recipient);
      const proof = prove({ projectId, messageId, recipientMark: mark.toString('hex') });
      const rest = encode(Buffer.concat([Buffer.from(projectTag(projectId), 'hex'), mark, proof]));
      return `${prefix}${messageId.slice(-ULID_CHARS).toLowerCase()}${rest}`;
    },
    read(localPart) {
      const lower = localPart.toLowerCase();
      const token = lower.slice(prefix.length);
      if (!lower.startsWith(prefix) || !TOKEN.test(token)) return null;
      const messageId = `msg_${token.slice(0, ULID_CHARS).toUpperCase()}`;
      const rest = decode(token.slice(ULID_CHARS));
      if (rest === null || !isId('message', messageId)) return null;
      const tag = rest.subarray(0, PROJECT_BYTES).toString('hex');
      const recipientMark = rest
        .subarray(PROJECT_BYTES, PROJECT_BYTES + MARK_BYTES)
        .toString('hex');
      const proof = rest.subarray(PROJECT_BYTES + MARK_BYTES);
      for (const projectId of deps.projectIds()) {
        if (projectTag(projectId) !== tag) continue;
        const ref = { projectId, messageId, recipientMark };
        if (timingSafeEqual(prove(ref), proof)) return ref;
      }
      return null;
    },
    isAbout: ({ projectId, messageId, recipientMark }, recipient) =>
      markOf(projectId, messageId, recipient).toString('hex') === recipientMark,
  };
}

/** Base 32, most significant bits first, the last character filled up with zeros. */
function encode(bytes: Uint8Array): string {
  let [text, value, bits] = ['', 0, 0];
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(value >> bits) & 31];
    }
  }
  return bits === 0 ? text : text + ALPHABET[(value << (5 - bits)) & 31];
}

/** Null where the bits that fill up are not zeros: there is one spelling of a token. */
function decode(text: string): Buffer | null {
  const bytes: number[] = [];
  let [value, bits] = [0, 0];
  for (const char of text) {
    value = ((value << 5) | ALPHABET.indexOf(char)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >> bits) & 255);
  }
  return (value & ((1 << bits) - 1)) === 0 ? Buffer.from(bytes) : null;
}
