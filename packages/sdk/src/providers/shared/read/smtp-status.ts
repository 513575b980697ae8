import { integer, text } from './fields.ts';

/** The codes in what a server said, as providers quote it. */

const ENHANCED = /(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d]|\.\d)/;
/** At the start, or behind words of the provider's own: `smtp; 550`, `REJECTED (550 ...`. */
const REPLY_CODE = /(?:^|[\s;:("'[])([2-5][0-5]\d)(?=[\s\-#.,;:)'"]|$)(?!\.\d)/;

/** RFC 3463, such as `5.1.1`, out of a field of its own or out of a reply. */
export function enhancedCodeOf(value: unknown): string | null {
  return ENHANCED.exec(text(value)?.slice(0, 2_000) ?? '')?.[1] ?? null;
}

/** 200 to 599 out of a field of its own: a number, or a text that begins with one. */
export function smtpCodeOf(value: unknown): number | null {
  const code = integer(value) ?? integer(/^\s*(\d{3})\b/.exec(text(value) ?? '')?.[1]);
  return code !== null && code >= 200 && code < 600 ? code : null;
}

/** The basic code within a reply. */
export function smtpCodeIn(reply: string | null): number | null {
  return smtpCodeOf(REPLY_CODE.exec(reply?.slice(0, 2_000) ?? '')?.[1]);
}
