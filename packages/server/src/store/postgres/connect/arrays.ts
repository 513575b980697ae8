import { encodeText } from './text.ts';

/**
 * Arrays as PostgreSQL takes them in binary (array_recv in its arrayfuncs.c): one parameter for a
 * column of many rows. As text each string would be escaped here and parsed there.
 */
const TEXT_OID = 25;
const INT8_OID = 20;
/** One dimension, whether there are nulls, the type, the length, the lower bound. */
const HEADER_BYTES = 20;

export function textArray(values: readonly (string | null)[]): Buffer {
  const texts = values.map((value) => (value === null ? null : encodeText(value)));
  let size = HEADER_BYTES + texts.length * 4;
  const lengths = texts.map((text) => {
    const length = text === null ? -1 : Buffer.byteLength(text);
    size += Math.max(length, 0);
    return length;
  });
  const buffer = Buffer.allocUnsafe(size);
  let at = writeHeader(buffer, TEXT_OID, values.length);
  texts.forEach((text, i) => {
    at = buffer.writeInt32BE(lengths[i] ?? -1, at);
    if (text !== null) at += buffer.write(text, at);
  });
  return buffer;
}

export function bigintArray(values: readonly (number | null)[]): Buffer {
  const nulls = values.reduce<number>((count, value) => count + (value === null ? 1 : 0), 0);
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + values.length * 12 - nulls * 8);
  let at = writeHeader(buffer, INT8_OID, values.length);
  for (const value of values) {
    at = buffer.writeInt32BE(value === null ? -1 : 8, at);
    if (value === null) continue;
    // In two halves: twice as fast as a BigInt, and times are safe integers.
    at = buffer.writeInt32BE(Math.floor(value / 0x1_0000_0000), at);
    at = buffer.writeUInt32BE(value >>> 0, at);
  }
  return buffer;
}

function writeHeader(buffer: Buffer, elementOid: number, length: number): number {
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(1, 4);
  buffer.writeInt32BE(elementOid, 8);
  buffer.writeInt32BE(length, 12);
  return buffer.writeInt32BE(1, 16);
}
