import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';

/** A message that is to have reached its end by some time, and has not been asked after yet. */
export interface Expectation {
  projectId: string;
  messageId: string;
  dueAtMs: number;
}

export interface Expectations {
  /** For the commit that stores the message. */
  insertion(expectation: Expectation): Statement;
  /** For the commit that tells of it: of two who do, one gets a StoreConflict. */
  removal(key: Pick<Expectation, 'projectId' | 'messageId'>): Statement;
  /** When this message is asked after; null: it is not, or not any more. */
  dueAtMs(projectId: string, messageId: string): Promise<number | null>;
  /** Those whose time has come, of all projects, the earliest first. */
  due(nowMs: number, limit: number): Promise<Expectation[]>;
  /** When the next one's time comes; null for none. */
  nextDueAtMs(): Promise<number | null>;
}

export function createExpectations(engine: Engine): Expectations {
  const { db } = engine;
  return {
    insertion: ({ projectId, messageId, dueAtMs }) => {
      const row = { project_id: projectId, message_id: messageId, due_at: dueAtMs };
      return toStatement(db.insertInto('expectations').values(row), 1);
    },
    removal: ({ projectId, messageId }) =>
      toStatement(
        db
          .deleteFrom('expectations')
          .where('project_id', '=', projectId)
          .where('message_id', '=', messageId),
        1,
      ),
    async dueAtMs(projectId, messageId) {
      const row = await db
        .selectFrom('expectations')
        .select('due_at')
        .where('project_id', '=', projectId)
        .where('message_id', '=', messageId)
        .executeTakeFirst();
      return row?.due_at ?? null;
    },
    async due(nowMs, limit) {
      const rows = await db
        .selectFrom('expectations')
        .selectAll()
        .where('due_at', '<=', nowMs)
        .orderBy('due_at')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        projectId: row.project_id,
        messageId: row.message_id,
        dueAtMs: row.due_at,
      }));
    },
    async nextDueAtMs() {
      const row = await db
        .selectFrom('expectations')
        .select('due_at')
        .orderBy('due_at')
        .limit(1)
        .executeTakeFirst();
      return row?.due_at ?? null;
    },
  };
}
