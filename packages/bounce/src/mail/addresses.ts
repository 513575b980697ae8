/** Mail addresses in running text. Every search is one pass from `@` to `@`. */

/** RFC 5321 4.5.3.1.1 allows 64 octets; VERP and gateways write longer ones. */
const MAX_LOCAL = 128;
const MAX_DOMAIN = 255;

const LOCAL_CHAR = /[^\s"<>()[\]\\,;:@\u0000-\u001f\u007f]/;
const DOMAIN_CHAR = /[\p{L}\p{N}._\-[\]:]/u;

export interface FoundAddress {
  /** As written, the domain in lower case. */
  address: string;
  start: number;
  end: number;
}

/** Every address in `text`, in order, at most `limit`. */
export function findAddresses(text: string, limit = 1_000): FoundAddress[] {
  const found: FoundAddress[] = [];
  let at = text.indexOf('@');
  let last = 0;
  while (at !== -1 && found.length < limit) {
    const address = addressAround(text, at, last);
    if (address !== null) {
      found.push(address);
      last = address.end;
    }
    at = text.indexOf('@', Math.max(at + 1, last));
  }
  return found;
}

/** The first address in `text`, or `null`. */
export function firstAddress(text: string | null): string | null {
  return text === null ? null : (findAddresses(text, 1)[0]?.address ?? null);
}

/** RFC 5321 2.4: the domain is compared without case, the local part is the receiver's affair. */
export function normalizeAddress(address: string): string {
  const at = address.lastIndexOf('@');
  return at === -1 ? address : address.slice(0, at) + address.slice(at).toLowerCase();
}

/** For comparing two spellings of one mailbox. */
export function addressKey(address: string): string {
  return address.toLowerCase();
}

/** `from`: where the address before ended. */
function addressAround(text: string, at: number, from: number): FoundAddress | null {
  const start = localStart(text, at, from);
  const end = domainEnd(text, at + 1);
  if (start === at || end <= at + 1) return null;
  return { address: normalizeAddress(text.slice(start, end)), start, end };
}

function localStart(text: string, at: number, from: number): number {
  if (text[at - 1] === '"') {
    const quote = text.lastIndexOf('"', at - 2);
    return quote >= from && at - quote <= MAX_LOCAL && !text.slice(quote, at).includes('\n')
      ? quote
      : at;
  }
  let start = at;
  while (start > from && at - start < MAX_LOCAL && LOCAL_CHAR.test(text[start - 1] ?? ''))
    start -= 1;
  // Quotes and list marks in front of an address are not part of it: 'a@example.com', *a@example.com.
  while (start < at && /['`*.|]/.test(text[start] ?? '')) start += 1;
  // `SMTP:a@...` ends at the colon; `mailto=a@` and `=3Da@` do not.
  const equals = text.slice(start, at).search(/^(?:mailto|rfc822|smtp|addr|rcpt)=/i);
  return equals === 0 ? text.indexOf('=', start) + 1 : start;
}

function domainEnd(text: string, start: number): number {
  if (text[start] === '[') {
    const close = text.indexOf(']', start);
    return close !== -1 && close - start <= 50 ? close + 1 : start;
  }
  let end = start;
  while (
    end < text.length &&
    end - start < MAX_DOMAIN &&
    /[\p{L}\p{N}._-]/u.test(text[end] ?? '')
  ) {
    end += 1;
  }
  while (end > start && /[._-]/.test(text[end - 1] ?? '')) end -= 1;
  return DOMAIN_CHAR.test(text[start] ?? '') ? end : start;
}
