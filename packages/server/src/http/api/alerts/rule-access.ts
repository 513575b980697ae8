import type { z } from 'zod';
import type { AlertRoom } from '../../../alerts/create-alert-room.ts';
import type { AlertRule } from '../../../core/alerts/alert-rule.ts';
import { type AlertType, entryOf } from '../../../core/alerts/alert-types.ts';
import { checkRule, type RuleFault } from '../../../core/alerts/check-rule.ts';
import { type Ids, isId } from '../../../core/ids.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { AlertRules } from '../../../store/alerts/alert-rules.ts';
import type { Alerts } from '../../../store/alerts/alerts.ts';
import type { Statement } from '../../../store/engine.ts';
import { applyFields, blankRule, type RuleFields } from './rule-fields.ts';
import { type ruleSchema, toRuleJson } from './rule-json.ts';

export interface RuleAccessDeps {
  alertRules: AlertRules;
  alerts: Pick<Alerts, 'open'>;
  alertRoom: Pick<AlertRoom<Statement>, 'missing'>;
  ids: Ids;
  now: () => number;
}

/** All of them are looked at each minute. */
const MAX_RULES = 100;

/** What the routes of rules share: finding one, reading its fields, showing it. */
export interface RuleAccess {
  /** Throws `conflict` where so many more would be too many. */
  requireRoom(projectId: string, count: number): Promise<void>;
  /** Throws `not_found`. */
  find(projectId: string, id: string): Promise<AlertRule>;
  /** A new rule, checked. Throws `invalid_field` with everything that is wrong with it. */
  make(projectId: string, type: AlertType, fields: RuleFields): Promise<AlertRule>;
  /** The rule with these changes, checked. Throws `invalid_field`. */
  change(before: AlertRule, fields: RuleFields): Promise<AlertRule>;
  show(rules: readonly AlertRule[]): Promise<z.input<typeof ruleSchema>[]>;
}

export function createRuleAccess(deps: RuleAccessDeps): RuleAccess {
  const { alertRules, alertRoom, ids, now } = deps;

  async function checked(rule: AlertRule): Promise<AlertRule> {
    const faults = checkRule(rule);
    const [missing = []] = await alertRoom.missing(rule.projectId, [rule]);
    const isKnown = ({ pointer }: RuleFault): boolean =>
      faults.some((fault) => fault.pointer === pointer);
    const all = [...faults, ...missing.filter((fault) => !isKnown(fault))];
    if (all.length > 0) throw toError(all);
    return rule;
  }

  return {
    async requireRoom(projectId, count) {
      const there = (await alertRules.of(projectId)).length;
      if (there + count <= MAX_RULES) return;
      const detail = `A project has at most ${MAX_RULES} alert rules, and this one has ${there}. Delete some first.`;
      throw new PosthornError('conflict', detail);
    },
    async find(projectId, id) {
      const rule = isId('alertRule', id) ? await alertRules.get({ projectId, id }) : null;
      if (rule === null) throw new PosthornError('not_found', `There is no alert rule ${id}.`);
      return rule;
    },
    make(projectId, type, fields) {
      const { title } = entryOf(type);
      const id = ids.next('alertRule');
      const blank = blankRule({ projectId, type, id, version: 1, nowMs: now() }, title);
      return checked(applyFields(blank, fields, title));
    },
    change(before, fields) {
      const changed = applyFields(before, fields, entryOf(before.type).title);
      return checked({ ...changed, version: before.version + 1, updatedAtMs: now() });
    },
    async show(rules) {
      const [first] = rules;
      if (first === undefined) return [];
      const open = await deps.alerts.open(first.projectId);
      const missing = await alertRoom.missing(first.projectId, rules);
      return rules.map((rule, index) =>
        toRuleJson(rule, {
          problems: missing[index] ?? [],
          firing: open.filter(({ ruleId }) => ruleId === rule.id).length,
        }),
      );
    },
  };
}

function toError(faults: readonly RuleFault[]): PosthornError {
  const [first] = faults;
  const more = faults.length === 1 ? '' : ` (and ${faults.length - 1} more)`;
  return new PosthornError('invalid_field', `${first?.pointer}: ${first?.detail}${more}`, {
    fields: faults,
  });
}
