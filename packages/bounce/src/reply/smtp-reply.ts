/**
 * Reads one SMTP reply, as a server sent it or as a bounce message quotes it: several lines, folded
 * lines, with or without codes. Total and bounded: every string has an answer, only the first 8 kB
 * are looked at.
 */

export interface SmtpReply {
  /** 200 to 599, or `null` where the text starts with no reply code. */
  code: number | null;
  /** RFC 3463, such as `5.1.1`. */
  enhancedCode: string | null;
  /** What a person would read, on one line: no codes at line starts, no control characters. */
  text: string;
}

/** RFC 5321 4.5.3.1.5 bounds a reply line at 512 octets; real replies run to a few kB. */
const MAX_CHARS = 8_192;

/**
 * Class, subject (RFC 3463 registers 0 to 7 only, which keeps `Exim 4.94.2` out), detail. Neither
 * side may go on with digits or dots: `5.9.2.1` is an address.
 */
const ENHANCED = /(?<![\d.])([245]\.[0-7]\.\d{1,3})(?![\d]|\.\d)/g;

const LEADING_CODE = /^\s*(?:smtp\s*;\s*)?([2-5][0-5]\d)(?=[\s\-#<:,.;='"]|$)(?!\.\d)/i;

/** Cisco's appliances put what the other server said in quotes behind a code of their own. */
const QUOTED_REPLY = /unknown address error (\d{3}-'.*)/is;

/** Reads `text` as one SMTP reply (RFC 5321 4.2, RFC 2034 for enhanced codes). Never throws. */
export function parseSmtpReply(text: string): SmtpReply {
  const whole = text.slice(0, MAX_CHARS);
  const bounded = QUOTED_REPLY.exec(whole)?.[1] ?? whole;
  const codeText = LEADING_CODE.exec(bounded)?.[1] ?? null;
  const code = codeText === null ? null : Number(codeText);
  return {
    code,
    enhancedCode: pickEnhancedCode(bounded, codeText),
    text: readableText(bounded, codeText),
  };
}

/**
 * The first enhanced code of the reply's own class (RFC 2034 section 4: the classes must agree).
 * Servers that disagree with themselves (`554 4.4.7`) are taken at their word only where no code
 * agrees and both speak of failure.
 */
function pickEnhancedCode(text: string, codeText: string | null): string | null {
  const found = Array.from(text.matchAll(ENHANCED), (match) => match[1] ?? '').slice(0, 20);
  if (codeText === null) return found[0] ?? null;
  const agreeing = found.find((candidate) => candidate[0] === codeText[0]);
  if (agreeing !== undefined) return agreeing;
  const failed = codeText >= '400';
  return found.find((candidate) => failed && !candidate.startsWith('2')) ?? null;
}

function readableText(text: string, codeText: string | null): string {
  const withoutPrefix = text.replace(/^\s*smtp\s*;\s*/i, '');
  // Folding joins lines, so a continuation's `550-5.1.1 ` may stand in the middle of the text.
  const repeated =
    codeText === null
      ? withoutPrefix
      : withoutPrefix.replace(
          new RegExp(
            `(?<![^\\s])${codeText}(?:[-:]|[ \\t]|$)[ \\t]?(?:[245]\\.[0-7]\\.\\d{1,3}(?=\\s))?`,
            'gm',
          ),
          ' ',
        );
  return repeated
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
}
