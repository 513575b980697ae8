import type { AlertNotice } from '../../core/alerts/alert-rule.ts';
import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import type { AlertNoticesTable } from '../tables.ts';

/** What is told of alerts, and what became of it. */
export interface AlertNotices {
  /** What is due, of all projects, the earliest first. */
  due(nowMs: number, limit: number): Promise<AlertNotice[]>;
  /** When the next one is due; null when none waits. */
  nextDueAtMs(): Promise<number | null>;
  /** Of these alerts of a project, in the order in which they were made. */
  of(projectId: string, alertIds: readonly string[]): Promise<AlertNotice[]>;
  insertion(notice: AlertNotice, retainUntilMs: number): Statement;
  /** Collides (StoreConflict) when somebody else has tried it since; `seen` is how often it had been tried. */
  change(notice: AlertNotice, seen: Pick<AlertNotice, 'attempts'>): Statement;
}

export function createAlertNotices({ db }: Pick<Engine, 'db'>): AlertNotices {
  return {
    async due(nowMs, limit) {
      const rows = await db
        .selectFrom('alert_notices')
        .selectAll()
        .where('due_at', '<=', nowMs)
        .orderBy('due_at')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(fromRow);
    },
    async nextDueAtMs() {
      const row = await db
        .selectFrom('alert_notices')
        .select('due_at')
        .where('due_at', 'is not', null)
        .orderBy('due_at')
        .limit(1)
        .executeTakeFirst();
      return row?.due_at ?? null;
    },
    async of(projectId, alertIds) {
      if (alertIds.length === 0) return [];
      const rows = await db
        .selectFrom('alert_notices')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('alert_id', 'in', alertIds)
        .orderBy('id')
        .execute();
      return rows.map(fromRow);
    },
    insertion: (notice, retainUntilMs) =>
      toStatement(
        db.insertInto('alert_notices').values({ ...toRow(notice), retain_until: retainUntilMs }),
        1,
      ),
    change: (notice, seen) =>
      toStatement(
        db
          .updateTable('alert_notices')
          .set(toRow(notice))
          .where('project_id', '=', notice.projectId)
          .where('alert_id', '=', notice.alertId)
          .where('id', '=', notice.id)
          .where('state', '=', 'waiting')
          .where('attempts', '=', seen.attempts),
        1,
      ),
  };
}

function toRow(notice: AlertNotice): Omit<AlertNoticesTable, 'retain_until'> {
  return {
    project_id: notice.projectId,
    alert_id: notice.alertId,
    id: notice.id,
    turn: notice.turn,
    kind: notice.kind,
    destination: notice.destination,
    state: notice.state,
    attempts: notice.attempts,
    due_at: notice.dueAtMs,
    is_quiet: notice.isQuiet ? 1 : 0,
    detail: notice.detail,
    created_at: notice.createdAtMs,
    settled_at: notice.settledAtMs,
  };
}

function fromRow(row: AlertNoticesTable): AlertNotice {
  return {
    projectId: row.project_id,
    alertId: row.alert_id,
    id: row.id,
    turn: row.turn,
    kind: row.kind,
    destination: row.destination,
    state: row.state,
    attempts: row.attempts,
    dueAtMs: row.due_at,
    isQuiet: row.is_quiet === 1,
    detail: row.detail,
    createdAtMs: row.created_at,
    settledAtMs: row.settled_at,
  };
}
