/** A step of a JSON pointer, escaped (RFC 6901 section 3). */
export function toPointerPart(part: PropertyKey): string {
  return String(part).replaceAll('~', '~0').replaceAll('/', '~1');
}
