import { decodeText } from './decode-text.ts';
import { decodeBase64, decodeQuotedPrintable } from './decode-transfer.ts';

const ENCODED_WORD = /=\?([^?\s]{1,60})\?([bq])\?([^?\n]{0,2000})\?=/gi;

/** RFC 2047 section 6.2: white space between two encoded words belongs to neither. */
const BETWEEN_WORDS = /(\?=)\s{1,100}(=\?[^?\s]{1,60}\?[bq]\?)/gi;

/** A header's value for people: encoded words and bare 8-bit text decoded. */
export function decodeWords(value: string): string {
  if (!value.includes('=?')) return decodeText(value, null);
  return value
    .replace(BETWEEN_WORDS, '$1$2')
    .replace(ENCODED_WORD, (_, charset: string, encoding: string, text: string) =>
      decodeText(
        encoding.toLowerCase() === 'b'
          ? decodeBase64(text)
          : decodeQuotedPrintable(text.replaceAll('_', ' ')),
        // RFC 2231 section 5 lets a language follow: `utf-8*en`.
        charset.split('*')[0] ?? null,
      ),
    );
}
