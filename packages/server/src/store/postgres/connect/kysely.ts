import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import type { SqlValue } from '../../engine.ts';
import type { Tables } from '../../tables.ts';

type Read = (sql: string, parameters: readonly SqlValue[]) => Promise<unknown[]>;

/**
 * Kysely over our tables, which are named with their schema. It runs no writes: those are compiled and
 * committed.
 */
export function createReadingKysely(read: Read): Kysely<Tables> {
  const connection: DatabaseConnection = {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      const rows = await read(query.sql, query.parameters as readonly SqlValue[]);
      return { rows: rows as R[] };
    },
    // biome-ignore lint/correctness/useYield: the interface asks for a generator, and nothing here streams.
    async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
      throw new Error('Lists are answered whole; page with a cursor instead.');
    },
  };
  const refuse = async (): Promise<never> => {
    throw new Error('A write goes through Engine.commit, which is the transaction.');
  };
  const driver: Driver = {
    init: async () => {},
    acquireConnection: async () => connection,
    beginTransaction: refuse,
    commitTransaction: refuse,
    rollbackTransaction: refuse,
    releaseConnection: async () => {},
    destroy: async () => {},
  };
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => driver,
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  }).withSchema('posthorn');
}
