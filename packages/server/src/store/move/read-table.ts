import type { Kysely } from 'kysely';
import type { Engine, SqlValue } from '../engine.ts';
import { MOVE_FACTS } from './move-state.ts';
import type { MovedTable } from './moved-tables.ts';

/** A row of whatever table, as its columns. */
export type Row = Record<string, SqlValue>;

type AnyTables = Record<string, Row>;

/** The same queries, for a table that is only known when the program runs. */
export function anyTable(engine: Pick<Engine, 'db'>): Kysely<AnyTables> {
  return engine.db as unknown as Kysely<AnyTables>;
}

/** What a batch should weigh: bodies have up to 25 MB, keys some bytes. */
const BATCH_BYTES = 2_000_000;
const FIRST_ROWS = 50;
/** Below what a statement can carry: 65,535 parameters (PostgreSQL), 32,766 (SQLite). */
const MAX_ROWS = 500;

export type Place = readonly SqlValue[];

/** The rows of a table behind a place, in the order of its key; what the move notes for itself left out. */
export async function* readTable(
  engine: Pick<Engine, 'db'>,
  { name, key }: MovedTable,
  behind: Place | null,
): AsyncGenerator<{ rows: Row[]; last: Place }> {
  let place = behind;
  let limit = FIRST_ROWS;
  for (;;) {
    let query = anyTable(engine).selectFrom(name).selectAll().limit(limit);
    for (const column of key) query = query.orderBy(column);
    const from = place;
    if (from !== null) {
      query = query.where((eb) => {
        const [column = '', ...more] = key;
        if (more.length === 0) return eb(column, '>', from[0] ?? null);
        const columns = key as readonly [string, string];
        const values = from as readonly [SqlValue, SqlValue];
        return eb(eb.refTuple(...columns), '>', eb.tuple(...values));
      });
    }
    const found = await query.execute();
    const lastRow = found.at(-1);
    if (lastRow === undefined) return;
    place = key.map((column) => lastRow[column] ?? null);
    const rows =
      name === 'facts' ? found.filter((row) => !MOVE_FACTS.includes(row['name'] ?? null)) : found;
    yield { rows, last: place };
    if (found.length < limit) return;
    const bytes = found.reduce((sum, row) => sum + weigh(row), 0);
    const fitting = Math.floor((limit * BATCH_BYTES) / Math.max(bytes, 1));
    limit = Math.min(MAX_ROWS, limit * 4, Math.max(1, fitting));
  }
}

function weigh(row: Row): number {
  return Object.values(row).reduce<number>((sum, value) => {
    const isLong = typeof value === 'string' || value instanceof Uint8Array;
    return sum + (isLong ? value.length : 8);
  }, 0);
}
