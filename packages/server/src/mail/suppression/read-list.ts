import { parseCsv } from '../../core/csv.ts';
import type { ListFormat } from '../../core/mail/list-format.ts';
import { isStream, STREAMS, type Stream } from '../../core/mail/streams.ts';
import { SUPPRESSION_REASONS, type SuppressionReason } from '../../core/mail/suppression.ts';
import { checkEnvelopeAddress } from '../../smtp/check-envelope-address.ts';

/** A line of a list to import: an entry, or what is wrong with it. */
export type ListLine =
  | { line: number; entry: ListEntry; detail: null }
  | { line: number; entry: null; detail: string };

export interface ListEntry {
  address: string;
  /** Null where the line does not say it. */
  reason: SuppressionReason | null;
  stream: Stream | 'all' | null;
  note: string | null;
  expiresAtMs: number | null;
}

/** What the first column may be called: by ourselves, and in the lists of others. */
const ADDRESS_NAMES = ['address', 'email', 'recipient', 'email address'];
const MAX_NOTE_CHARS = 1_000;

/** The columns of a CSV text by its first row; null when none of them has addresses. */
export function readColumns(firstRow: string): string[] | null {
  const [header] = parseCsv(firstRow.replace(/^\ufeff/, ''));
  const names = header?.cells.map((cell) => cell.trim().toLowerCase()) ?? [];
  return names.some((name) => ADDRESS_NAMES.includes(name)) ? names : null;
}

/** Reads a piece of a list; `columns` are those of its CSV. Never throws. */
export function readList(
  text: string,
  { format, columns, firstLine }: { format: ListFormat; columns: string[]; firstLine: number },
): ListLine[] {
  if (format === 'csv') {
    return parseCsv(text, firstLine).map(({ line, cells }) =>
      readFields(line, Object.fromEntries(columns.map((name, i) => [name, cells[i] ?? '']))),
    );
  }
  return text.split('\n').flatMap((json, i) => {
    const line = firstLine + i;
    if (json.trim() === '') return [];
    try {
      const value: unknown = JSON.parse(json);
      if (typeof value === 'string') return [readFields(line, { address: value })];
      if (typeof value === 'object' && value !== null) return [readFields(line, { ...value })];
    } catch {
      // Told of below, as what is JSON and no object.
    }
    return [{ line, entry: null, detail: 'This is no JSON object.' }];
  });
}

function readFields(line: number, fields: Record<string, unknown>): ListLine {
  const refuse = (detail: string): ListLine => ({ line, entry: null, detail });
  const text = (name: string): string => {
    const value = fields[name];
    return typeof value === 'string' ? value.trim() : '';
  };
  const given = ADDRESS_NAMES.map(text).find((value) => value !== '') ?? '';
  if (given === '') return refuse('There is no address.');
  if (/[\r\n]/.test(given)) return refuse('A quote is opened here and not closed.');
  const checked = checkEnvelopeAddress(given, true);
  if (!checked.ok) return refuse(`The address cannot be used: ${checked.message}.`);
  const [reason, stream, expires] = [text('reason'), text('stream'), text('expires_at')];
  if (reason !== '' && !isReason(reason)) {
    return refuse(`The reason is none of ${SUPPRESSION_REASONS.join(', ')}.`);
  }
  if (stream !== '' && stream !== 'all' && !isStream(stream)) {
    return refuse(`The stream is none of all, ${STREAMS.join(', ')}.`);
  }
  const expiresAtMs = expires === '' ? null : Date.parse(expires);
  if (Number.isNaN(expiresAtMs))
    return refuse('expires_at is no time such as 2026-11-21T16:00:00Z.');
  const entry: ListEntry = {
    address: checked.address,
    reason: isReason(reason) ? reason : null,
    stream: stream === 'all' || isStream(stream) ? stream : null,
    note: text('note').slice(0, MAX_NOTE_CHARS) || null,
    expiresAtMs,
  };
  return { line, entry, detail: null };
}

function isReason(name: string): name is SuppressionReason {
  return SUPPRESSION_REASONS.some((reason) => reason === name);
}
