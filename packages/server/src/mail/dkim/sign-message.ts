import { createHash, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { createBodyHash } from './body-hash.ts';
import { findBody, readHeaderFields, relaxValue, selectSigned } from './dkim-headers.ts';
import { createKeyCopies, type KeyCopies } from './key-copies.ts';

export const DKIM_ALGORITHMS = ['rsa', 'ed25519'] as const;
export type DkimAlgorithm = (typeof DKIM_ALGORITHMS)[number];

/** A key that a domain signs with; its public half is at `<selector>._domainkey.<domain>`. */
export interface DkimSigningKey {
  algorithm: DkimAlgorithm;
  selector: string;
  /** Made once: reading a key costs more than signing with it. */
  privateKey: KeyObject;
}

/** The body is hashed in pieces of this size, between which others have their turn: about 1 ms each. */
const PIECE_BYTES = 262_144;

const signAsync = promisify(sign);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Signs a message as it will be sent (RFC 6376, RFC 8463): one signature for each key, relaxed/relaxed
 * and over the whole body (no l=, which lets anybody add to it). The signing itself happens in Node's
 * thread pool. Gives the message back with the signatures before it; bytes that are no message come
 * back as they are. `top`: header fields that stand before `raw`, so that a large message need not be copied for them.
 */
export async function signMessage(
  raw: Buffer,
  options: { domain: string; keys: readonly DkimSigningKey[]; nowMs: number; top?: Buffer },
): Promise<Buffer> {
  const { top } = options;
  const body = findBody(raw);
  if (body === null || options.keys.length === 0) return putBefore(raw, top);
  const head = `${top?.toString('latin1') ?? ''}${raw.toString('latin1', 0, body - 2)}`;
  const { names, lines } = selectSigned(readHeaderFields(head));
  const bodyHash = await hashBody(raw.subarray(body));
  const signatures = await Promise.all(
    options.keys.map(async (key) => {
      const tags = fold([
        'v=1',
        `a=${key.algorithm}-sha256`,
        'c=relaxed/relaxed',
        `d=${options.domain}`,
        `s=${key.selector}`,
        `t=${Math.floor(options.nowMs / 1_000)}`,
        `h=${names.join(':')}`,
        `bh=${bodyHash}`,
        'b=',
      ]);
      // The signature's own field is signed too, as it stands there, but for the value of b=.
      const signed = [...lines, `dkim-signature:${relaxValue(tags)}`].join('\r\n');
      const value = await signText(Buffer.from(signed, 'latin1'), key);
      return Buffer.from(`DKIM-Signature:${tags}${foldValue(value)}\r\n`, 'latin1');
    }),
  );
  return Buffer.concat([...signatures, ...(top === undefined ? [] : [top]), raw]);
}

/** The message with these header fields before it. */
export function putBefore(raw: Buffer, top: Buffer | undefined): Buffer {
  return top === undefined ? raw : Buffer.concat([top, raw]);
}

async function signText(text: Buffer, { algorithm, privateKey }: DkimSigningKey): Promise<string> {
  const isRsa = algorithm === 'rsa';
  // RFC 8463 3: what Ed25519 signs is the SHA-256 of the text.
  const signed = isRsa ? text : createHash('sha256').update(text).digest();
  const value = await copiesOf(privateKey).use((key) =>
    signAsync(isRsa ? 'sha256' : undefined, signed, key),
  );
  return value.toString('base64');
}

/** For as long as somebody has the key. */
const COPIES = new WeakMap<KeyObject, KeyCopies>();

function copiesOf(key: KeyObject): KeyCopies {
  const known = COPIES.get(key) ?? createKeyCopies(key);
  COPIES.set(key, known);
  return known;
}

async function hashBody(body: Buffer): Promise<string> {
  const hash = createBodyHash();
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    if (at > 0) await turn();
    hash.update(body.subarray(at, at + PIECE_BYTES));
  }
  return hash.digest();
}

/** Lines of at most 78 characters (RFC 5322 2.1.1), broken where white space means nothing. */
const LINE_CHARS = 76;

function fold(tags: readonly string[]): string {
  const lines: string[] = [];
  let line = 'DKIM-Signature: ';
  // Between tags, and behind a colon of h= (RFC 6376 3.2 and 3.5 allow white space at both).
  for (const part of tags.join('; ').split(/(?<=; )|(?<=:)/)) {
    if (line.length + part.length > LINE_CHARS) {
      lines.push(line.trimEnd());
      line = ' ';
    }
    line += part;
  }
  lines.push(line);
  return lines.join('\r\n').slice('DKIM-Signature:'.length);
}

function foldValue(base64: string): string {
  return (base64.match(/.{1,72}/g) ?? []).map((part) => `\r\n ${part}`).join('');
}
