import { type Alert, type AlertState, openKeyOf } from '../../core/alerts/alert-rule.ts';
import type { Page } from '../../core/cursor.ts';
import type { Engine, Statement } from '../engine.ts';
import { readNewestFirst } from '../read-newest-first.ts';
import { toStatement } from '../statement.ts';
import type { AlertsTable } from '../tables.ts';

type AlertKey = Pick<Alert, 'projectId' | 'id'>;

/** Firings of rules. A change is a statement: it is committed with what is told of it. */
export interface Alerts {
  /** All that are not resolved, of all projects or of one. */
  open(projectId?: string): Promise<Alert[]>;
  /** The newest first. `open`: those of every state but `resolved`. */
  list(query: {
    projectId: string;
    state: AlertState | 'open' | null;
    ruleId: string | null;
    nowMs: number;
    limit: number;
    beforeId: string | null;
  }): Promise<Page<Alert>>;
  get(alert: AlertKey): Promise<Alert | null>;
  /** Collides (StoreConflict) while one of the same rule is open about the same. */
  insertion(alert: Alert, retainUntilMs: number): Statement;
  /** Collides when somebody has changed it since it was read; `alert.version` is the one that was read. */
  change(alert: Alert, retainUntilMs: number): Statement;
}

/** What no query asks for. */
type Body = Omit<
  Alert,
  'projectId' | 'id' | 'ruleId' | 'resolvedAtMs' | 'acknowledgedAtMs' | 'snoozedUntilMs' | 'version'
>;

export function createAlerts({ db, lists }: Pick<Engine, 'db' | 'lists'>): Alerts {
  return {
    async open(projectId) {
      let select = db.selectFrom('alerts').selectAll().where('open_key', 'is not', null);
      if (projectId !== undefined) select = select.where('project_id', '=', projectId);
      return (await select.orderBy('project_id').orderBy('id').execute()).map(fromRow);
    },
    list({ projectId, state, ruleId, nowMs, ...page }) {
      let select = lists.selectFrom('alerts').selectAll().where('project_id', '=', projectId);
      if (ruleId !== null) select = select.where('rule_id', '=', ruleId);
      if (state === 'resolved') select = select.where('resolved_at', 'is not', null);
      else if (state !== null) select = select.where('resolved_at', 'is', null);
      if (state === 'snoozed') select = select.where('snoozed_until', '>', nowMs);
      if (state === 'firing' || state === 'acknowledged') {
        const isKnown = state === 'acknowledged' ? 'is not' : 'is';
        select = select
          .where('acknowledged_at', isKnown, null)
          .where((eb) =>
            eb.or([eb('snoozed_until', 'is', null), eb('snoozed_until', '<=', nowMs)]),
          );
      }
      return readNewestFirst(select, page, fromRow);
    },
    async get({ projectId, id }) {
      const row = await db
        .selectFrom('alerts')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    insertion: (alert, retainUntilMs) =>
      toStatement(db.insertInto('alerts').values(toRow(alert, retainUntilMs)), 1),
    change: (alert, retainUntilMs) =>
      toStatement(
        db
          .updateTable('alerts')
          .set(toRow({ ...alert, version: alert.version + 1 }, retainUntilMs))
          .where('project_id', '=', alert.projectId)
          .where('id', '=', alert.id)
          .where('version', '=', alert.version),
        1,
      ),
  };
}

function toRow(alert: Alert, retainUntilMs: number): AlertsTable {
  const {
    projectId,
    id,
    ruleId,
    resolvedAtMs,
    acknowledgedAtMs,
    snoozedUntilMs,
    version,
    ...rest
  } = alert;
  const body: Body = rest;
  return {
    project_id: projectId,
    id,
    rule_id: ruleId,
    open_key: resolvedAtMs === null ? openKeyOf(ruleId, alert.subject) : null,
    resolved_at: resolvedAtMs,
    acknowledged_at: acknowledgedAtMs,
    snoozed_until: snoozedUntilMs,
    body: JSON.stringify(body),
    version,
    retain_until: retainUntilMs,
  };
}

function fromRow(row: AlertsTable): Alert {
  const body: Body = JSON.parse(row.body);
  return {
    ...body,
    projectId: row.project_id,
    id: row.id,
    ruleId: row.rule_id,
    resolvedAtMs: row.resolved_at,
    acknowledgedAtMs: row.acknowledged_at,
    snoozedUntilMs: row.snoozed_until,
    version: row.version,
  };
}
