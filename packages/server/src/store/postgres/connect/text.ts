/**
 * PostgreSQL's text cannot hold U+0000, and receivers' answers can. It is stored as two characters,
 * U+001A and `0`, and U+001A itself as U+001A and `1`. The same text always becomes the same text, so
 * keys are found; JSON never has either character as itself.
 */
export function encodeText(text: string): string {
  if (!/[\u0000\u001a]/.test(text)) return text;
  return text.replaceAll('\u001a', '\u001a1').replaceAll('\u0000', '\u001a0');
}

export function decodeText(stored: string): string {
  if (!stored.includes('\u001a')) return stored;
  return stored.replaceAll('\u001a0', '\u0000').replaceAll('\u001a1', '\u001a');
}
