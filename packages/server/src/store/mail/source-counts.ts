import type { Engine } from '../engine.ts';
import { toStatement } from '../statement.ts';

/** How much addresses that are being warmed up have sent on a day. */
export interface SourceCounts {
  /** Null: nothing on that day. */
  load(address: string, day: string): Promise<number | null>;
  save(address: string, day: string, sent: number): Promise<void>;
}

/** One fact an address: an address is one machine's, so nobody else writes it. */
export function createSourceCounts(engine: Pick<Engine, 'db' | 'commit'>): SourceCounts {
  const { db } = engine;
  const nameOf = (address: string): string => `warm-up of ${address}`;
  return {
    async load(address, day) {
      const row = await db
        .selectFrom('facts')
        .select('value')
        .where('name', '=', nameOf(address))
        .executeTakeFirst();
      const [onDay, sent] = row?.value.split(' ') ?? [];
      return onDay === day ? Number(sent) : null;
    },
    async save(address, day, sent) {
      const value = `${day} ${sent}`;
      const insert = db
        .insertInto('facts')
        .values({ name: nameOf(address), value })
        .onConflict((one) => one.column('name').doUpdateSet({ value }));
      await engine.commit({ events: [], statements: [toStatement(insert, 1)] });
    },
  };
}
