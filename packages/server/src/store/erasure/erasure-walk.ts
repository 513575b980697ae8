import type { Kysely } from 'kysely';
import type { Person } from '../../core/erase-person.ts';
import type { Statement } from '../engine.ts';
import type { Tables } from '../tables.ts';

/** Looks at the next window of a table behind a key, and says what has to change there. */
export type ErasureWalk = (input: {
  projectId: string;
  person: Person;
  /** Where the last step ended; null at the start. */
  after: string | null;
  nowMs: number;
}) => Promise<ErasureStep>;

export interface ErasureStep {
  statements: Statement[];
  /** How many rows lose something. */
  changed: number;
  /** How far it looked; null when the table has nothing more. */
  last: string | null;
  /** Something is under way that has to end first: the step is to be made again. */
  wait?: boolean;
  /** Endpoints of which deliveries have become due. */
  due?: string[];
}

/** Rows that a step looks at, in some 4 ms: the database searches their texts, and only what matches is read. */
const WINDOW_ROWS = 2_000;

/** A table by the columns that a walk names; all of its keys are text. */
type TextTables = Record<string, Record<string, string | null>>;

/**
 * Of the next rows in the order of the key (behind project_id) those that the person may be in: one of
 * the texts is like his pattern.
 */
export async function readWindow<T extends keyof Tables, C extends keyof Tables[T] & string>(
  db: Kysely<Tables>,
  from: {
    table: T;
    key: readonly (keyof Tables[T] & string)[];
    texts: readonly (keyof Tables[T] & string)[];
    columns: readonly C[];
  },
  { projectId, person, after }: Pick<Parameters<ErasureWalk>[0], 'projectId' | 'person' | 'after'>,
): Promise<{ rows: Pick<Tables[T], C>[]; last: string | null }> {
  const tables = db as unknown as Kysely<TextTables>;
  // Tuples of any length, which the types know one by one.
  const key = [...from.key] as unknown as [string, string];
  const start = (after === null ? key.map(() => '') : JSON.parse(after)) as [string, string];
  const behind = tables
    .selectFrom(from.table as string)
    .where('project_id', '=', projectId)
    .where((eb) => eb(eb.refTuple(...key), '>', eb.tuple(...start)));
  const ordered = key.reduce((query, column) => query.orderBy(column), behind.select(key));
  const end = await ordered
    .offset(WINDOW_ROWS - 1)
    .limit(1)
    .executeTakeFirst();
  const last = end === undefined ? null : (key.map((column) => end[column]) as [string, string]);
  const window =
    last === null ? behind : behind.where((eb) => eb(eb.refTuple(...key), '<=', eb.tuple(...last)));
  const rows = await window
    .select([...from.columns])
    .where((eb) =>
      eb.or(from.texts.map((text) => eb(eb.fn<string>('lower', [text]), 'like', person.pattern))),
    )
    .execute();
  return {
    rows: rows as unknown as Pick<Tables[T], C>[],
    last: last === null ? null : JSON.stringify(last),
  };
}
