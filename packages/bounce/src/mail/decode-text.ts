import { toBytes } from './source-text.ts';

/** Names that mail uses and TextDecoder does not know. UTF-7 texts of servers are plain ASCII. */
const ALIASES: Readonly<Record<string, string>> = {
  'unicode-1-1-utf-7': 'utf-8',
  'utf-7': 'utf-8',
  'utf-8mb4': 'utf-8',
  'x-sjis': 'shift_jis',
  cp932: 'shift_jis',
  'cp-850': 'windows-1252',
  cp1252: 'windows-1252',
  unknown: '',
  'unknown-8bit': '',
  'x-unknown': '',
};

/** Charsets that senders name without meaning it: bytes above 127 are looked at first. */
const CARELESS = new Set(['', 'us-ascii', 'ascii', 'ansi_x3.4-1968']);

const HIGH_BYTE = /[\u0080-\u00ff]/;

/** No byte: the text has been decoded already. */
const DECODED = /[\u0100-\uffff]/;

/** RFC 1468: the escape that starts Japanese text in ISO-2022-JP, which is 7-bit. */
const JAPANESE_ESCAPE = /\u001b[$(][@BJ]/;

/** Turns the bytes of `source` into text. An unknown or wrong charset gives a readable guess. */
export function decodeText(source: string, charset: string | null): string {
  if (DECODED.test(source)) return source;
  const named = (charset ?? '').trim().toLowerCase().slice(0, 40);
  const label = ALIASES[named] ?? named;
  if (CARELESS.has(label)) {
    if (JAPANESE_ESCAPE.test(source)) return decodeAs(source, 'iso-2022-jp') ?? source;
    return HIGH_BYTE.test(source) ? guess(source) : source;
  }
  return decodeAs(source, label) ?? guess(source);
}

function guess(source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(toBytes(source));
  } catch {
    return decodeAs(source, 'windows-1252') ?? source;
  }
}

function decodeAs(source: string, label: string): string | null {
  try {
    return new TextDecoder(label).decode(toBytes(source));
  } catch {
    return null;
  }
}
