import { parseSmtpReply, type SmtpReply } from '../reply/smtp-reply.ts';

/** A reply code inside of running text: not part of a number, an address or a span of time. */
const CODE =
  /(?<![\w.@+/-])([45][0-5]\d)(?=[\s\-:;#,."')\]<]|$)(?!\s{0,3}(?:seconds?|minutes?|hours?|days?|bytes?|[km]b|times|attempts|messages)\b)/g;

const ENHANCED_NEXT = /^.{0,24}?\b[45]\.[0-7]\.\d{1,3}\b/;

/** Only the first codes are weighed: a page full of numbers is no reply. */
const MAX_CODES = 20;

export interface QuotedReply extends SmtpReply {
  /** The reply with its codes, on one line. */
  quote: string;
}

/** A reply runs to a few lines, and ends with its paragraph. Words without a code may run on. */
const MAX_QUOTE_CHARS = 1_000;
const MAX_WORDS_CHARS = 500;

/**
 * The reply that `text` quotes, in words such as `host mx said: 550 5.1.1 ...`. A code with an
 * enhanced code behind it is preferred to one without. Without any code, the whole text is the reply.
 */
export function extractReply(text: string): QuotedReply {
  let first: number | null = null;
  let seen = 0;
  for (const match of text.matchAll(CODE)) {
    if (++seen > MAX_CODES) break;
    first ??= match.index;
    if (ENHANCED_NEXT.test(text.slice(match.index + 3, match.index + 60).replace(/\s+/g, ' '))) {
      return quote(text.slice(match.index));
    }
  }
  return quote(first === null ? text : text.slice(first));
}

function quote(text: string): QuotedReply {
  const reply = parseSmtpReply(text);
  const own =
    reply.code === null
      ? text.slice(0, MAX_WORDS_CHARS)
      : (text.slice(0, MAX_QUOTE_CHARS).split(/\n[ \t]*\n/, 1)[0] ?? '');
  return { ...reply, quote: own.replace(/[\s\u0000-\u001f\u007f-\u009f]{1,1000}/g, ' ').trim() };
}
