import { normalizeLineEnds } from './source-text.ts';

/** RFC 2045 section 6. What cannot be decoded stays as it is; a broken tail is dropped. */
export function decodeTransfer(body: string, encoding: string): string {
  switch (encoding) {
    case 'base64':
      return normalizeLineEnds(decodeBase64(body));
    case 'quoted-printable':
      return normalizeLineEnds(decodeQuotedPrintable(body));
    default:
      return body;
  }
}

export function decodeBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('latin1');
}

export function decodeQuotedPrintable(text: string): string {
  return text
    .replace(/=[ \t]{0,10}\n/g, '')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
