const HEAD_END = Buffer.from('\r\n\r\n');

/** Where the first request in `bytes` ends, and its head; null while it is not whole. */
export function findRequestEnd(bytes: Buffer): { end: number; head: string } | null {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd === -1) return null;
  const head = bytes.toString('latin1', 0, headEnd);
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
  const end = headEnd + 4 + length;
  return bytes.length >= end ? { end, head } : null;
}
