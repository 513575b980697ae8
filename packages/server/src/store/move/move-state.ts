import type { Engine, SqlValue, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import type { Place } from './read-table.ts';

/**
 * How far a move has come, noted in the store that it goes to, in the commit that takes the rows along.
 * There while it is not finished, so that nobody works on half a store.
 */
export interface MoveState {
  /** Of the store that it comes from. */
  source: string;
  /** The last row of each table that has begun. */
  places: Record<string, Place>;
  /** Everything is there and was compared; what is left is to put the old store away. */
  isVerified: boolean;
}

const STATE_FACT = 'move';
const SOURCE_FACT = 'move_source';

/** Facts that belong to a move and not to the installation. */
export const MOVE_FACTS: readonly SqlValue[] = [STATE_FACT, SOURCE_FACT];

async function readFact(engine: Pick<Engine, 'db'>, name: string): Promise<string | null> {
  const query = engine.db.selectFrom('facts').select('value').where('name', '=', name);
  return (await query.executeTakeFirst())?.value ?? null;
}

export async function readMoveState(engine: Pick<Engine, 'db'>): Promise<MoveState | null> {
  const value = await readFact(engine, STATE_FACT);
  return value === null ? null : (JSON.parse(value) as MoveState);
}

export function moveStateStatement({ db }: Pick<Engine, 'db'>, state: MoveState): Statement {
  const value = JSON.stringify(state);
  const insert = db.insertInto('facts').values({ name: STATE_FACT, value });
  return toStatement(
    insert.onConflict((one) => one.column('name').doUpdateSet({ value })),
    1,
  );
}

export async function endMove(engine: Pick<Engine, 'db' | 'commit'>): Promise<void> {
  const remove = engine.db.deleteFrom('facts').where('name', '=', STATE_FACT);
  await engine.commit({ events: [], statements: [toStatement(remove)] });
}

/** By what a move that was cut short knows the store that it came from; given at the first look. */
export async function sourceName(
  engine: Pick<Engine, 'db' | 'commit'>,
  newName: () => string,
): Promise<string> {
  const known = await readFact(engine, SOURCE_FACT);
  if (known !== null) return known;
  const value = newName();
  const insert = engine.db.insertInto('facts').values({ name: SOURCE_FACT, value });
  await engine.commit({ events: [], statements: [toStatement(insert, 1)] });
  return value;
}

/** Throws where the store is the goal of a move that has not ended. */
export async function refuseHalfMoved(engine: Pick<Engine, 'db'>): Promise<void> {
  if ((await readMoveState(engine)) === null) return;
  throw new Error(
    'A move into this database was cut short, and not everything is there. Run the same posthorn move again; it goes on where it stopped. Or begin anew with an empty database.',
  );
}
