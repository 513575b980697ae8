import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';

/** What a project has sent in an hour or a day, for its limits. */
export interface SendWindow {
  projectId: string;
  period: 'hour' | 'day';
  startMs: number;
}

export interface SendWindows {
  /** null: nothing was counted in it yet. */
  used(window: SendWindow): Promise<number | null>;
  /** Counts on from what was read, if nobody was faster; for EventLog.append. */
  counting(window: SendWindow, seen: number | null, used: number): Statement[];
}

export function createSendWindows(engine: Engine): SendWindows {
  const { db } = engine;
  return {
    async used({ projectId, period, startMs }) {
      const row = await db
        .selectFrom('send_windows')
        .select('used')
        .where('project_id', '=', projectId)
        .where('period', '=', period)
        .where('started_at', '=', startMs)
        .executeTakeFirst();
      return row?.used ?? null;
    },
    counting({ projectId, period, startMs }, seen, used) {
      if (seen === null) {
        const row = { project_id: projectId, period, started_at: startMs, used };
        return [
          // One window of each period is enough.
          toStatement(
            db
              .deleteFrom('send_windows')
              .where('project_id', '=', projectId)
              .where('period', '=', period)
              .where('started_at', '<', startMs),
          ),
          toStatement(db.insertInto('send_windows').values(row), 1),
        ];
      }
      return [
        toStatement(
          db
            .updateTable('send_windows')
            .set({ used })
            .where('project_id', '=', projectId)
            .where('period', '=', period)
            .where('started_at', '=', startMs)
            .where('used', '=', seen),
          1,
        ),
      ];
    },
  };
}
