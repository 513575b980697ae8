import {
  Kysely,
  type LimitNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { createReadingDriver, type Read } from '../reading-driver.ts';
import type { Tables } from '../tables.ts';

/** Kysely whose reads go to the reading thread. It runs no writes: those are compiled and committed. */
export function createReadingKysely(read: Read): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => createReadingDriver(read),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new QueryCompiler(),
    },
  });
}

/** A bare `limit ?` has SQLite plan a query anew each time that it runs, since the plan may go by the value. */
class QueryCompiler extends SqliteQueryCompiler {
  protected override visitLimit(node: LimitNode): void {
    super.visitLimit(node);
    this.append(' + 0');
  }
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
