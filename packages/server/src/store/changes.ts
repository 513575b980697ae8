import type { Engine, Statement } from './engine.ts';
import { toStatement } from './statement.ts';
import type { ChangeKind } from './tables.ts';

/** Something that nodes keep in memory was changed. */
export interface Change {
  position: number;
  kind: ChangeKind;
  projectId: string;
  id: string;
}

export interface Changes {
  /** The position of the latest one; 0 when there is none. */
  latest(): Promise<number>;
  /** Those behind a position, in order. */
  after(position: number): Promise<Change[]>;
  forgetBefore(createdAtMs: number): Promise<void>;
}

/** Goes into the commit that makes the change. */
export function changeStatement(
  { db }: Pick<Engine, 'db'>,
  change: Omit<Change, 'position'>,
  nowMs: number,
): Statement {
  const { kind, projectId, id } = change;
  const row = { kind, project_id: projectId, id, created_at: nowMs };
  return { ...toStatement(db.insertInto('changes').values(row), 1), signal: 'change' };
}

export function createChanges(engine: Engine): Changes {
  const { db } = engine;
  return {
    async latest() {
      const row = await db
        .selectFrom('changes')
        .select((eb) => eb.fn.max('position').as('position'))
        .executeTakeFirst();
      return Number(row?.position ?? 0);
    },
    async after(position) {
      const rows = await db
        .selectFrom('changes')
        .selectAll()
        .where('position', '>', position)
        .orderBy('position')
        .execute();
      return rows.map(({ position: at, kind, project_id: projectId, id }) => {
        return { position: Number(at), kind, projectId, id };
      });
    },
    async forgetBefore(createdAtMs) {
      const remove = db.deleteFrom('changes').where('created_at', '<', createdAtMs);
      await engine.commit({ events: [], statements: [toStatement(remove)] });
    },
  };
}
