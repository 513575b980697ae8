import { createBareNewlineScan } from '../bare-newline-scan.ts';

const LF = 0x0a;
const DOT = 0x2e;
const STUFFING = Buffer.from('.');
const END = Buffer.from('.\r\n');
const CRLF_END = Buffer.from('\r\n.\r\n');

/**
 * The bytes that follow 354, final dot included, as pieces that share memory with `raw`: a dot is
 * put before every line that begins with one (RFC 5321 4.5.2). Line ends are CRLF already in what
 * we compose or accept; should a bare CR or LF be among them, it becomes CRLF, because some servers
 * would take it for one and dots after it for the end ("SMTP smuggling").
 */
export function encodeData(raw: Uint8Array): Uint8Array[] {
  const bytes = normalizeNewlines(raw);
  const pieces: Uint8Array[] = [];
  let from = 0;
  if (bytes[0] === DOT) pieces.push(STUFFING);
  for (let at = bytes.indexOf('\n.'); at !== -1; at = bytes.indexOf('\n.', at + 1)) {
    pieces.push(bytes.subarray(from, at + 1), STUFFING);
    from = at + 1;
  }
  pieces.push(bytes.subarray(from));
  const endsLine = bytes.length === 0 || bytes[bytes.length - 1] === LF;
  pieces.push(endsLine ? END : CRLF_END);
  return pieces;
}

function normalizeNewlines(raw: Uint8Array): Buffer {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const newlines = createBareNewlineScan();
  newlines.push(bytes);
  if (newlines.end() === null) return bytes;
  return Buffer.from(bytes.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n'), 'latin1');
}
