/** Where a notice ends and the message that it returns begins. */
export interface SplitNotice {
  notice: string;
  /** From the first header of the returned message on; empty where there is none. */
  original: string;
}

/** A ruled line that announces the returned message, as most servers write it. */
const RULED =
  /^[ \t>]*[-=*_#]{2,}.{0,80}\b(?:original|returned|unsent|undelivered message|copy of|message headers?|header of|below this line|urspr|originalnachricht|message d'origine|mensaje original|messaggio originale|mensagem original)\b/i;

const SENTENCE =
  /^[ \t]*(?:(?:the )?(?:original |returned )?(?:message|mail)(?: headers?)?(?: is)? (?:follow(?:s|ing)?|as follows)|original message headers|below is a copy of the original|included is a copy of|here is (?:a copy of )?(?:the|your) (?:original )?(?:message|mail)|original mail as follows|original message\s*:?\s*$|the original message (?:headers )?(?:is|was) (?:below|included))/i;

const HEADER = /^([A-Za-z][A-Za-z0-9-]{1,40}):/;

/** Two of these make a header block one of a mail, and not a table of "To, Subject, Sent". */
const TELLING = new Set([
  'received',
  'return-path',
  'message-id',
  'mime-version',
  'content-type',
  'dkim-signature',
  'x-mailer',
  'date',
]);

export function splitOriginal(text: string): SplitNotice {
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (index === 0) continue;
    if (RULED.test(line) || SENTENCE.test(line)) return split(lines, index, index + 1);
    if (startsHeaders(lines, index)) return split(lines, index, index);
  }
  return { notice: text, original: '' };
}

function split(lines: string[], end: number, start: number): SplitNotice {
  let first = start;
  while (first < lines.length && !HEADER.test(lines[first] ?? '') && first < start + 10) first += 1;
  return { notice: lines.slice(0, end).join('\n'), original: lines.slice(first).join('\n') };
}

/** At least three header lines in a row, from the first column on, two of them telling. */
function startsHeaders(lines: string[], index: number): boolean {
  if (!HEADER.test(lines[index] ?? '') || HEADER.test(lines[index - 1] ?? '')) return false;
  let fields = 0;
  let telling = 0;
  for (const line of lines.slice(index, index + 30)) {
    const name = HEADER.exec(line)?.[1]?.toLowerCase();
    if (name === undefined) {
      if (/^[ \t]+\S/.test(line)) continue;
      break;
    }
    fields += 1;
    if (TELLING.has(name)) telling += 1;
  }
  return fields >= 3 && telling >= 2;
}
