import { type SelectQueryBuilder, sql } from 'kysely';
import { type Page, toPage } from '../core/cursor.ts';

/** A page of rows by their id, which begins with the time: the newest first, those below `beforeId`. */
export async function readNewestFirst<DB, Table extends keyof DB, Row extends { id: string }, Item>(
  query: SelectQueryBuilder<DB, Table, Row>,
  { limit, beforeId }: { limit: number; beforeId: string | null },
  fromRow: (row: Row) => Item,
): Promise<Page<Item>> {
  const id = sql.ref<string>('id');
  const wanted = beforeId === null ? query : query.where(id, '<', beforeId);
  const found = await wanted
    .orderBy(id, 'desc')
    .limit(limit + 1)
    .execute();
  const { rows, nextCursor } = toPage(found, limit, (row) => row.id);
  return { rows: rows.map(fromRow), nextCursor };
}
