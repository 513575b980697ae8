import type { AlertRule, AlertRuleSettings } from '../../core/alerts/alert-rule.ts';
import type { Page } from '../../core/cursor.ts';
import type { Engine, Statement } from '../engine.ts';
import { readNewestFirst } from '../read-newest-first.ts';
import { toStatement } from '../statement.ts';
import type { AlertRulesTable } from '../tables.ts';

type RuleKey = Pick<AlertRule, 'projectId' | 'id'>;

/** What watches over projects. Nobody keeps them in memory: who needs them reads them. */
export interface AlertRules {
  /** Of all projects, those that are not enabled too. */
  all(): Promise<AlertRule[]>;
  /** Of one project, the oldest first. */
  of(projectId: string): Promise<AlertRule[]>;
  /** The newest first. */
  list(query: {
    projectId: string;
    limit: number;
    beforeId: string | null;
  }): Promise<Page<AlertRule>>;
  get(rule: RuleKey): Promise<AlertRule | null>;
  /** All of them or none. `beside` is committed together with them. */
  insert(rules: readonly AlertRule[], beside: readonly Statement[]): Promise<void>;
  /** Rejects with StoreConflict when `before` is not what is stored any more. */
  update(before: Pick<AlertRule, 'version'>, rule: AlertRule): Promise<void>;
  /** Rejects with StoreConflict when it is gone or another version. Its alerts stay. */
  remove(rule: RuleKey & Pick<AlertRule, 'version'>): Promise<void>;
}

export function createAlertRules(engine: Engine): AlertRules {
  const { db } = engine;
  const rows = () => db.selectFrom('alert_rules').selectAll();
  const commit = async (statements: Statement[]): Promise<void> => {
    await engine.commit({ events: [], statements });
  };
  return {
    async all() {
      return (await rows().orderBy('project_id').orderBy('id').execute()).map(fromRow);
    },
    async of(projectId) {
      const found = await rows().where('project_id', '=', projectId).orderBy('id').execute();
      return found.map(fromRow);
    },
    list: ({ projectId, ...page }) =>
      readNewestFirst(rows().where('project_id', '=', projectId), page, fromRow),
    async get({ projectId, id }) {
      const row = await rows()
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    insert: (rules, beside) =>
      commit([
        ...rules.map((rule) => toStatement(db.insertInto('alert_rules').values(toRow(rule)), 1)),
        ...beside,
      ]),
    update: (before, rule) =>
      commit([
        toStatement(
          db
            .updateTable('alert_rules')
            .set(toRow(rule))
            .where('project_id', '=', rule.projectId)
            .where('id', '=', rule.id)
            .where('version', '=', before.version),
          1,
        ),
      ]),
    remove: ({ projectId, id, version }) =>
      commit([
        toStatement(
          db
            .deleteFrom('alert_rules')
            .where('project_id', '=', projectId)
            .where('id', '=', id)
            .where('version', '=', version),
          1,
        ),
      ]),
  };
}

function toRow(rule: AlertRule): AlertRulesTable {
  const { projectId, id, name, type, isEnabled, version, createdAtMs, updatedAtMs } = rule;
  const settings: AlertRuleSettings = {
    scope: rule.scope,
    threshold: rule.threshold,
    windowMs: rule.windowMs,
    minVolume: rule.minVolume,
    resolveBelow: rule.resolveBelow,
    resolveAfterMs: rule.resolveAfterMs,
    quietHours: rule.quietHours,
    isUrgent: rule.isUrgent,
    repeatMs: rule.repeatMs,
    to: rule.to,
    actions: rule.actions,
  };
  return {
    project_id: projectId,
    id,
    name,
    type,
    settings: JSON.stringify(settings),
    is_enabled: isEnabled ? 1 : 0,
    version,
    created_at: createdAtMs,
    updated_at: updatedAtMs,
  };
}

function fromRow(row: AlertRulesTable): AlertRule {
  const settings: AlertRuleSettings = JSON.parse(row.settings);
  return {
    ...settings,
    projectId: row.project_id,
    id: row.id,
    name: row.name,
    type: row.type,
    isEnabled: row.is_enabled === 1,
    version: row.version,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}
