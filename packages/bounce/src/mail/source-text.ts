/**
 * A mail as one string in which each character is one byte (0 to 255) and each line ends with LF.
 * Charsets are decoded later, part by part; until then nothing can be lost and nothing can throw.
 */

/** LF, CRLF, CR, and the CRCRLF that careless gateways write: one line end each. */
const LINE_ENDS = /\r{0,2}\n|\r/g;

/** Reads at most `maxBytes` of `bytes`. */
export function readSource(bytes: Uint8Array, maxBytes: number): string {
  const head = bytes.subarray(0, maxBytes);
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  return normalizeLineEnds(text.startsWith('\u00ef\u00bb\u00bf') ? text.slice(3) : text);
}

export function normalizeLineEnds(text: string): string {
  return text.includes('\r') ? text.replace(LINE_ENDS, '\n') : text;
}

/** The bytes of a string of `readSource`. */
export function toBytes(source: string): Uint8Array {
  return Buffer.from(source, 'latin1');
}
