import { encode, wrap } from 'nodemailer/lib/qp/index.js';
import type { Part, TransferEncoding } from './find-parts.ts';

/** RFC 5322 2.1.1, without the line end. */
export const MAX_LINE_BYTES = 998;
const LF = 10;
const BASE64_LINE_CHARS = 76;

/** Bytes that take the place of others. */
export interface Patch {
  start: number;
  end: number;
  bytes: Buffer;
}

/** The bytes of a part, as its Content-Transfer-Encoding hides them. */
export function decodePart(raw: Buffer, part: Part): Buffer {
  const body = raw.subarray(part.bodyStart, part.bodyEnd);
  if (part.encoding === 'base64') return Buffer.from(body.toString('latin1'), 'base64');
  if (part.encoding === 'quoted-printable') return decodeQuotedPrintable(body);
  return body;
}

/**
 * Bytes as a part's body. What was plain stays so while its lines are short enough, and becomes
 * quoted-printable otherwise: `encoding` says which it is.
 */
export function encodePart(
  content: Buffer,
  before: TransferEncoding,
): { body: Buffer; encoding: TransferEncoding } {
  if (before === 'base64') {
    const lines = content.toString('base64').match(new RegExp(`.{1,${BASE64_LINE_CHARS}}`, 'g'));
    return { body: Buffer.from((lines ?? []).join('\r\n'), 'latin1'), encoding: 'base64' };
  }
  if (before !== 'quoted-printable' && !hasLongLine(content)) {
    return { body: content, encoding: before };
  }
  return { body: Buffer.from(wrap(encode(content)), 'latin1'), encoding: 'quoted-printable' };
}

/** Whether a line is longer than mail allows. Lines end with CR LF. */
export function hasLongLine(content: Buffer): boolean {
  let start = 0;
  while (content.length - start > MAX_LINE_BYTES) {
    // From behind: most lines are short, and many of them are passed over at once.
    const end = content.lastIndexOf(LF, start + MAX_LINE_BYTES + 1);
    if (end < start) return true;
    start = end + 1;
  }
  return false;
}

/** What takes the place of a part's header field, or stands before its other ones where it has none. */
export function encodingPatch(raw: Buffer, part: Part, encoding: TransferEncoding): Patch {
  const header = raw.toString('latin1', part.headerStart, part.bodyStart);
  const named = /^content-transfer-encoding[ \t]*:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n/im;
  const match = named.exec(header);
  const start = part.headerStart + (match?.index ?? 0);
  const bytes = Buffer.from(`Content-Transfer-Encoding: ${encoding}\r\n`, 'latin1');
  return { start, end: start + (match?.[0].length ?? 0), bytes };
}

/** The bytes with each patch in place of what it covers. */
export function applyPatches(raw: Buffer, patches: readonly Patch[]): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const patch of patches.toSorted((a, b) => a.start - b.start)) {
    pieces.push(raw.subarray(at, patch.start), patch.bytes);
    at = patch.end;
  }
  return Buffer.concat([...pieces, raw.subarray(at)]);
}

/** RFC 2045 6.7; what is no code stays as it is. */
function decodeQuotedPrintable(body: Buffer): Buffer {
  const text = body
    .toString('latin1')
    // White space at the end of a line was added on the way.
    .replace(/[ \t]+(?=\r\n|$)/g, '')
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(text, 'latin1');
}
