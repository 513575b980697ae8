import { isUtf8 } from 'node:buffer';
import type { Dispatcher } from 'undici';

type ResponseHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/** More of an answer is of no use to anyone, and a hostile endpoint must not fill our memory. */
export const MAX_RESPONSE_BYTES = 16_384;
export const MAX_HEADER_LENGTH = 8_192;
/** Enough to tell a gzip or a PNG by its first bytes. */
const SHOWN_BINARY_BYTES = 96;

const TEXTUAL =
  /^\s*(text\/|application\/([\w.-]+\+)?(json|xml|javascript|x-www-form-urlencoded)\b|$)/i;
/** What is in no text: control characters other than tab, line ends, form feed and escape. */
const CONTROL = /[\u0000-\u0008\u000b\u000e-\u001a\u001c-\u001f]/;

/**
 * The first bytes of an answer for people to read: the text, or a note where it is none. Never with
 * a NUL, which PostgreSQL does not take. Null when there are no bytes.
 */
export function responseExcerpt(bytes: Buffer, isCut: boolean, contentType: string): string | null {
  if (bytes.length === 0) return null;
  const whole = isCut ? withoutHalfCharacter(bytes) : bytes;
  const text = readText(whole, contentType);
  if (text === null) return describeBinary(bytes, contentType);
  return text === '' ? null : text;
}

function readText(bytes: Buffer, contentType: string): string | null {
  const isTextual = TEXTUAL.test(contentType);
  if (isUtf8(bytes)) {
    const text = bytes.toString('utf8');
    return isTextual || !CONTROL.test(text) ? text.replaceAll('\u0000', '') : null;
  }
  const charset = /;\s*charset="?([\w.:-]+)/i.exec(contentType)?.[1];
  if (!isTextual || charset === undefined || /^utf-?8$/i.test(charset)) return null;
  try {
    return new TextDecoder(charset).decode(bytes).replaceAll('\u0000', '');
  } catch {
    return null;
  }
}

/** Where it was cut there may stand the beginning of a character of up to four bytes. */
function withoutHalfCharacter(bytes: Buffer): Buffer {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? bytes.subarray(0, -back) : bytes;
  }
  return bytes;
}

function describeBinary(bytes: Buffer, contentType: string): string {
  const type = contentType.trim() === '' ? 'no content type' : contentType.trim().slice(0, 100);
  const begin = bytes.toString('base64', 0, SHOWN_BINARY_BYTES);
  const dots = bytes.length > SHOWN_BINARY_BYTES ? '...' : '';
  return `[No text: ${bytes.length} bytes, ${type}. In base64: ${begin}${dots}]`;
}

/** Name, value, name, value ... in their order; names in lower case. What goes too far is cut. */
export function listHeaders(headers: ResponseHeaders): string[] {
  const list: string[] = [];
  let room = MAX_HEADER_LENGTH;
  for (const name in headers) {
    const given = headers[name];
    for (const value of Array.isArray(given) ? given : [given ?? '']) {
      room -= name.length;
      if (room <= 0) return list;
      list.push(name, value.length <= room ? value : value.slice(0, room));
      room -= value.length;
    }
  }
  return list;
}
