import type { Compilable } from 'kysely';
import type { SqlValue, Statement } from './engine.ts';

/** A compiled Kysely write, ready for a commit. */
export function toStatement(query: Compilable, mustAffect?: number): Statement {
  const { sql, parameters } = query.compile();
  const statement = { sql, parameters: parameters as readonly SqlValue[] };
  return mustAffect === undefined ? statement : { ...statement, mustAffect };
}

/**
 * Inserts rows that all have the same columns, one a statement; compiled with the first one, since the compiler
 * takes ten times as long as the rest (17 us a row).
 */
export function createInsertion<Row extends object>(
  compile: (row: Row) => Compilable,
): (row: Row) => Statement {
  let known: { sql: string; columns: readonly (keyof Row)[] } | null = null;
  return (row) => {
    known ??= { sql: compile(row).compile().sql, columns: Object.keys(row) as (keyof Row)[] };
    const parameters = known.columns.map((column) => row[column]) as SqlValue[];
    return { sql: known.sql, parameters, mustAffect: 1 };
  };
}
