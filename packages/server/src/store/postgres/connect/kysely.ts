import { Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import { createReadingDriver, type Read } from '../../reading-driver.ts';
import type { Tables } from '../../tables.ts';

/**
 * Kysely over our tables, which are named with their schema. It runs no writes: those are compiled and
 * committed.
 */
export function createReadingKysely(read: Read): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => createReadingDriver(read),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  }).withSchema('posthorn');
}
