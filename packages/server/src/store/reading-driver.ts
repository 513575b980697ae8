import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely';
import type { SqlValue } from './engine.ts';

/** Answers a query whole. */
export type Read = (sql: string, parameters: readonly SqlValue[]) => Promise<unknown[]>;

/** What Kysely reads through. It runs no writes: those are compiled and committed. */
export function createReadingDriver(read: Read): Driver {
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
  return {
    init: async () => {},
    acquireConnection: async () => connection,
    beginTransaction: refuse,
    commitTransaction: refuse,
    rollbackTransaction: refuse,
    releaseConnection: async () => {},
    destroy: async () => {},
  };
}
