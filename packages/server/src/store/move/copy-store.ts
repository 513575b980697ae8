import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import { digestTable } from './digest-table.ts';
import { MOVE_FACTS, type MoveState, moveStateStatement, readMoveState } from './move-state.ts';
import { movedTables } from './moved-tables.ts';
import { anyTable, type Row, readTable } from './read-table.ts';

export interface CopyReport {
  /** Called now and then while a table is under way, and at its end. */
  copied(table: string, rows: number, total: number): void;
  compared(table: string, rows: number, sha256: string): void;
}

/** What keeps a store from being moved, or shows that it was not moved whole. Its text says what to do. */
export class MoveRefused extends Error {
  override readonly name = 'MoveRefused';
}

/**
 * Copies every table into an empty PostgreSQL database and compares them row by row. Nobody else may write
 * to either meanwhile. What was copied is noted with it, so after a crash the next call goes on from there.
 * Throws MoveRefused; the store that it comes from is never changed by it.
 */
export async function copyStore(options: {
  from: Engine;
  to: Engine;
  /** Of the store that it comes from (move-state.ts). */
  source: string;
  report: CopyReport;
}): Promise<void> {
  const { from, to, source, report } = options;
  const state = await admit(to, source);
  for (const table of movedTables()) {
    const total = await countRows(from, table.name);
    let rows = state.places[table.name] === undefined ? 0 : await countRows(to, table.name);
    report.copied(table.name, rows, total);
    for await (const batch of readTable(from, table, state.places[table.name] ?? null)) {
      state.places = { ...state.places, [table.name]: batch.last };
      const statements = insertions(to, table.name, batch.rows);
      await to.commit({ events: [], statements: [...statements, moveStateStatement(to, state)] });
      rows += batch.rows.length;
      report.copied(table.name, rows, total);
    }
  }
  for (const table of movedTables()) {
    const [there, here] = await Promise.all([digestTable(from, table), digestTable(to, table)]);
    if (there.rows !== here.rows || there.sha256 !== here.sha256) {
      throw new MoveRefused(
        `The table ${table.name} is not the same on both sides: ${there.rows} rows with checksum ${there.sha256} became ${here.rows} with ${here.sha256}. Has somebody else written to the new database? Begin anew with an empty one; the old store is as it was.`,
      );
    }
    report.compared(table.name, here.rows, here.sha256);
  }
  const verified = moveStateStatement(to, { ...state, isVerified: true });
  await to.commit({ events: [], statements: [verified] });
}

/** The state to go on from. The database has to be empty, or to hold the first part of the same move. */
async function admit(to: Engine, source: string): Promise<MoveState> {
  const state = await readMoveState(to);
  if (state === null) {
    const full = await findFullTable(to);
    if (full === null) return { source, places: {}, isVerified: false };
    throw new MoveRefused(
      `The database is not empty: its table ${full} has rows. A store can only be moved into an empty database. Create another one.`,
    );
  }
  if (state.source === source) return state;
  throw new MoveRefused(
    'The database holds the first part of another move, from another store. Go on with that one, or create another database for this.',
  );
}

async function findFullTable(to: Engine): Promise<string | null> {
  const nodes = { name: 'nodes' as const, key: ['id'] };
  for (const { name, key } of [...movedTables(), nodes]) {
    const [column = ''] = key;
    const query = anyTable(to).selectFrom(name).select(column).limit(1);
    if ((await query.executeTakeFirst()) !== undefined) return name;
  }
  return null;
}

async function countRows(engine: Engine, table: string): Promise<number> {
  let query = anyTable(engine)
    .selectFrom(table)
    .select((eb) => eb.fn.countAll().as('count'));
  if (table === 'facts') query = query.where('name', 'not in', MOVE_FACTS);
  return Number((await query.executeTakeFirst())?.['count'] ?? 0);
}

function insertions(to: Engine, table: string, rows: readonly Row[]): Statement[] {
  if (rows.length === 0) return [];
  const insert = toStatement(anyTable(to).insertInto(table).values(rows), rows.length);
  return table === 'events' ? [insert, ...keyInsertion(rows)] : [insert];
}

/** PostgreSQL keeps the keys of events in a table of their own (postgres/write/event-keys.ts). */
function keyInsertion(events: readonly Row[]): Statement[] {
  const keyed = events.filter((event) => event['dedup_key'] !== null);
  if (keyed.length === 0) return [];
  const columns = ['project_id', 'dedup_key', 'id', 'retain_until'];
  const values = keyed.map((_, row) => {
    const places = columns.map((_column, at) => `$${row * columns.length + at + 1}`);
    return `(${places.join(', ')})`;
  });
  const sql = `INSERT INTO posthorn.event_keys (project_id, dedup_key, event_id, retain_until)
    VALUES ${values.join(', ')}`;
  const parameters = keyed.flatMap((event) => columns.map((column) => event[column] ?? null));
  return [{ sql, parameters, mustAffect: keyed.length }];
}
