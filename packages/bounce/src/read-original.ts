import { findAddresses, firstAddress } from './mail/addresses.ts';
import { decodeWords } from './mail/decode-words.ts';
import { type Headers, parseHeaders } from './mail/parse-headers.ts';
import type { OriginalMessage } from './report.ts';

/** A message with more is returned cut off: what matters stands first. */
const MAX_HEADERS = 200;
const MAX_VALUE_CHARS = 4_000;

/** What is known of the returned message beside its headers. */
export interface OriginalHints {
  messageId?: string | null;
  envelopeId?: string | null;
}

/** The returned message, from its headers and what the report says of it; `null` where nothing is. */
export function readOriginal(
  headers: Headers | null,
  hints: OriginalHints,
): OriginalMessage | null {
  const messageId = messageIdOf(headers?.all('message-id')[0]) ?? messageIdOf(hints.messageId);
  const envelopeId = hints.envelopeId ?? null;
  const isEmpty = headers === null || headers.fields.length === 0;
  if (isEmpty && messageId === null && envelopeId === null) return null;
  const read = isEmpty ? parseHeaders('').headers : headers;
  return {
    messageId,
    from: firstAddress(read.text('from')) ?? firstAddress(read.text('return-path')),
    to: findAddresses(read.all('to').join(', '), MAX_HEADERS).map(({ address }) => address),
    subject: read.text('subject'),
    date: read.text('date'),
    envelopeId,
    headers: read.fields
      .slice(0, MAX_HEADERS)
      .map(([name, value]) => [name, decodeWords(value.slice(0, MAX_VALUE_CHARS))] as const),
  };
}

/** With brackets, which some put nowhere and some write inside of a list of references. */
function messageIdOf(value: string | null | undefined): string | null {
  const trimmed = (value ?? '').trim();
  const bracketed = /<[^<>\s]{1,990}>/.exec(trimmed)?.[0];
  if (bracketed !== undefined) return bracketed;
  return /^[^<>\s]{1,990}$/.test(trimmed) ? `<${trimmed}>` : null;
}
