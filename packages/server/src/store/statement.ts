import type { Compilable } from 'kysely';
import type { SqlValue, Statement } from './engine.ts';

/** A compiled Kysely write, ready for a commit. */
export function toStatement(query: Compilable, mustAffect?: number): Statement {
  const { sql, parameters } = query.compile();
  const statement = { sql, parameters: parameters as readonly SqlValue[] };
  return mustAffect === undefined ? statement : { ...statement, mustAffect };
}
