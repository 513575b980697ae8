import { splitCsv } from '../../core/csv.ts';
import type { ListFormat } from '../../core/mail/list-format.ts';

/** A part of a list that the server takes at once. */
export interface ListPart {
  /** The line of the whole list before the first one of `content` that is not its head. */
  linesBefore: number;
  content: string;
}

/**
 * Cuts a list at the ends of its rows into parts of about `sizeChars`; each part of a CSV list begins with
 * the row of names.
 */
export function splitList(text: string, format: ListFormat, sizeChars: number): ListPart[] {
  if (format === 'ndjson') return splitLines(text, sizeChars);
  const head = /^\uFEFF?[^\n]*\n?/.exec(text)?.[0] ?? '';
  const rows = splitCsv(text.slice(head.length), sizeChars);
  // A list without rows is the server's to refuse.
  if (rows.length === 0) return [{ linesBefore: 0, content: text }];
  return rows.map(({ line, text: part }) => ({ linesBefore: line - 1, content: head + part }));
}

function splitLines(text: string, sizeChars: number): ListPart[] {
  const parts: ListPart[] = [];
  let linesBefore = 0;
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf('\n', start + sizeChars);
    const end = found === -1 ? text.length : found + 1;
    const content = text.slice(start, end);
    parts.push({ linesBefore, content });
    linesBefore += content.split('\n').length - 1;
    start = end;
  }
  return parts;
}
