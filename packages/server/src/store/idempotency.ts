import type { Engine, Statement } from './engine.ts';
import { toStatement } from './statement.ts';
import type { IdempotencyKeysTable } from './tables.ts';

/**
 * Remembered answers. The answer is committed together with what the request did, so either both
 * are there or neither; of two equal requests at once the second meets StoreConflict.
 */
export interface Idempotency {
  find(projectId: string, key: string, nowMs: number): Promise<IdempotencyKeysTable | null>;
  /** Statements for the request's own commit. An expired answer under the same key gives way. */
  remember(answer: IdempotencyKeysTable, nowMs: number): Statement[];
}

export function createIdempotency(engine: Engine): Idempotency {
  const { db } = engine;
  return {
    async find(projectId, key, nowMs) {
      const row = await db
        .selectFrom('idempotency_keys')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('key', '=', key)
        .where('retain_until', '>', nowMs)
        .executeTakeFirst();
      return row ?? null;
    },
    remember: (answer, nowMs) => [
      toStatement(
        db
          .deleteFrom('idempotency_keys')
          .where('project_id', '=', answer.project_id)
          .where('key', '=', answer.key)
          .where('retain_until', '<=', nowMs),
      ),
      toStatement(db.insertInto('idempotency_keys').values(answer), 1),
    ],
  };
}
