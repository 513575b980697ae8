/**
 * A page's cursor: the sort key of its last row, opaque to the caller so that the order may change
 * without breaking anyone. Lists are ordered by id, newest first, and ids are time-ordered.
 */
export interface Page<T> {
  rows: T[];
  nextCursor: string | null;
}

const VERSION = 'c1';

export function encodeCursor(key: string): string {
  return Buffer.from(`${VERSION}:${key}`).toString('base64url');
}

/** The sort key; `null` when the text is not a cursor of ours. */
export function decodeCursor(cursor: string): string | null {
  if (!/^[A-Za-z0-9_-]{4,400}$/.test(cursor)) return null;
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  return text.startsWith(`${VERSION}:`) ? text.slice(VERSION.length + 1) : null;
}

/** Rows were fetched with one more than `limit`, to see whether a next page exists. */
export function toPage<T>(rows: T[], limit: number, keyOf: (row: T) => string): Page<T> {
  if (rows.length <= limit) return { rows, nextCursor: null };
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return { rows: kept, nextCursor: last === undefined ? null : encodeCursor(keyOf(last)) };
}
