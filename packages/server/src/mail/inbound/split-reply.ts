import { ATTRIBUTIONS, HEADER_LABELS, SENT_FROM, SEPARATORS } from './reply-words.ts';

/** Longer texts are looked at up to here. */
const MAX_CHARS = 200_000;
/** An attribution is broken over so many lines at most. */
const MAX_JOINED = 3;
const MAX_ATTRIBUTION_CHARS = 400;
/** From, Sent, To, Cc, Subject stand within so many lines. */
const HEADER_LINES = 6;

/**
 * Pure: what a person has written in a reply, without what the mail program quotes below or around it and
 * without a signature. Answers between quoted lines stay. Everything looks at each line a bounded number
 * of times, so that no text takes long; '' where nothing but a quote is left.
 */
export function splitReply(text: string): string {
  const lines = text.slice(0, MAX_CHARS).replaceAll('\r\n', '\n').split('\n');
  const own: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (isSeparator(line) || isHeaderBlock(lines, at)) break;
    if (isQuoted(line)) continue;
    const length = attributionAt(lines, at);
    if (length === 0) {
      own.push(line);
      continue;
    }
    // Quoted lines behind it say themselves what they are; without such, all that follows is the quote.
    if (!isQuoted(lines.slice(at + length).find((next) => next.trim() !== '') ?? '')) break;
    at += length - 1;
  }
  return withoutSignature(own).join('\n').trim();
}

function isQuoted(line: string): boolean {
  return /^\s{0,3}>/.test(line);
}

/** Of how many lines the attribution that begins here consists; 0 where none does. */
function attributionAt(lines: readonly string[], at: number): number {
  let joined = '';
  for (let count = 1; count <= MAX_JOINED; count++) {
    const line = lines[at + count - 1]?.trim();
    if (line === undefined || line === '' || isQuoted(line)) return 0;
    joined = joined === '' ? line : `${joined} ${line}`;
    if (joined.length > MAX_ATTRIBUTION_CHARS) return 0;
    if (isAttribution(joined)) return count;
  }
  return 0;
}

/** "On Friday, Anna <anna@example.com> wrote:", in any of the languages. */
function isAttribution(text: string): boolean {
  if (!/[:：]\s*$/.test(text)) return false;
  const lower = text.toLowerCase();
  const namesTimeOrAddress = /[\d@]/.test(text);
  return (
    namesTimeOrAddress &&
    ATTRIBUTIONS.some(
      ({ begins, says }) =>
        (begins.length === 0 || begins.some((word) => lower.startsWith(word))) &&
        says.some((word) => lower.includes(word)),
    )
  );
}

/** `-----Original Message-----`, and Outlook's line of underscores. */
function isSeparator(line: string): boolean {
  const trimmed = line.trim();
  if (/^_{20,}$/.test(trimmed)) return true;
  if (!/^-{2,}[^-]/.test(trimmed) || !trimmed.endsWith('-') || trimmed.length > 100) return false;
  const words = trimmed.replaceAll('-', ' ').trim().toLowerCase();
  return SEPARATORS.includes(words);
}

/** The headers of the quoted mail as text: `From:` and two others within a few lines. */
function isHeaderBlock(lines: readonly string[], at: number): boolean {
  const labelOf = (line: string | undefined): string | null => {
    const plain = (line ?? '').replace(/^[\s*]{0,4}/, '').slice(0, 30);
    const colon = plain.search(/\*?\s?[:：]/);
    return colon < 1 ? null : plain.slice(0, colon).toLowerCase();
  };
  const first = labelOf(lines[at]);
  if (first === null || !HEADER_LABELS.from.includes(first)) return false;
  const behind = lines.slice(at + 1, at + HEADER_LINES).map(labelOf);
  return (
    behind.filter((label) => label !== null && HEADER_LABELS.others.includes(label)).length >= 2
  );
}

/** RFC 3676 4.3: "-- " alone; and what telephones write below. */
function withoutSignature(lines: readonly string[]): string[] {
  const dashes = lines.findIndex((line) => line === '-- ' || line === '--');
  const kept = dashes === -1 ? [...lines] : lines.slice(0, dashes);
  while (kept.length > 0) {
    const last = kept.at(-1)?.trim().toLowerCase() ?? '';
    const isEnd = last === '' || SENT_FROM.some((one) => last.startsWith(one));
    if (!isEnd || last.length > 150) break;
    kept.pop();
  }
  return kept;
}
