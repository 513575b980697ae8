import { encode, wrap } from 'nodemailer/lib/qp/index.js';
import type { TextPart } from './mime-parts.ts';

/** RFC 5322 2.1.1, without the line end. */
const MAX_LINE_BYTES = 998;
const BASE64_LINE_CHARS = 76;

/** The bytes of a part, as its Content-Transfer-Encoding hides them. */
export function decodePart(raw: Buffer, part: TextPart): Buffer {
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
  before: TextPart['encoding'],
): { body: Buffer; encoding: TextPart['encoding'] } {
  if (before === 'base64') {
    const lines = content.toString('base64').match(new RegExp(`.{1,${BASE64_LINE_CHARS}}`, 'g'));
    return { body: Buffer.from((lines ?? []).join('\r\n'), 'latin1'), encoding: 'base64' };
  }
  if (before !== 'quoted-printable' && !hasLongLine(content)) {
    return { body: content, encoding: before };
  }
  return { body: Buffer.from(wrap(encode(content)), 'latin1'), encoding: 'quoted-printable' };
}

function hasLongLine(content: Buffer): boolean {
  let start = 0;
  while (content.length - start > MAX_LINE_BYTES) {
    const end = content.indexOf('\r\n', start);
    if (end === -1 || end - start > MAX_LINE_BYTES) return true;
    start = end + 2;
  }
  return false;
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
