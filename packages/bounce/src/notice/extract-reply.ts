import { parseSmtpReply, type SmtpReply } from '../reply/smtp-reply.ts';

/** A reply code inside of running text: not part of a number, an address or a span of time. */
const CODE =
  /(?<![\w.@+/-])([45][0-5]\d)(?=[\s\-:;#,."')<]|$)(?!\s{0,3}(?:seconds?|minutes?|hours?|days?|bytes?|[km]b|times|attempts|messages)\b)/g;

const ENHANCED_NEXT = /^.{0,24}?\b[45]\.[0-7]\.\d{1,3}\b/;

/** Only the first codes are weighed: a page full of numbers is no reply. */
const MAX_CODES = 20;

/**
 * The reply that `text` quotes, in words such as `host mx said: 550 5.1.1 ...`. A code with an
 * enhanced code behind it is preferred to one without. Without any code, the whole text is the reply.
 */
export function extractReply(text: string): SmtpReply {
  let first: number | null = null;
  let seen = 0;
  for (const match of text.matchAll(CODE)) {
    if (++seen > MAX_CODES) break;
    first ??= match.index;
    if (ENHANCED_NEXT.test(text.slice(match.index + 3, match.index + 60).replace(/\s+/g, ' '))) {
      return parseSmtpReply(text.slice(match.index));
    }
  }
  return parseSmtpReply(first === null ? text : text.slice(first));
}
