import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { SqlValue } from '../engine.ts';
import type { Tables } from '../tables.ts';

type Read = (sql: string, parameters: readonly SqlValue[]) => Promise<unknown[]>;

/** Kysely whose reads go to the reading thread. It runs no writes: those are compiled and committed. */
export function createReadingKysely(read: Read): Kysely<Tables> {
  const connection: DatabaseConnection = {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      const rows = await read(query.sql, query.parameters as readonly SqlValue[]);
      return { rows: rows as R[] };
    },
    // biome-ignore lint/correctness/useYield: the interface asks for a generator, and nothing here streams.
    async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
      throw new Error('The reading thread answers whole lists; page with a cursor instead.');
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
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => driver,
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}

/** The place of the newest event. One thread writes: what is there was committed in this order. */
export async function readLogEnd(db: Kysely<Tables>): Promise<number> {
  const row = await db
    .selectFrom('events')
    .select('position')
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.position ?? 0;
}
