import { z } from 'zod';
import type { AlertRule } from '../../../core/alerts/alert-rule.ts';
import { DEFAULT_RULES, defaultSettings } from '../../../core/alerts/new-rule.ts';
import type { Ids } from '../../../core/ids.ts';
import type { AlertRules } from '../../../store/alerts/alert-rules.ts';
import { defineRoute, type Route } from '../../route.ts';
import { refuseField } from '../filters.ts';
import type { RuleAccess } from './rule-access.ts';
import { toField } from './rule-fields.ts';
import { defaultRuleSchema, ruleSchema, toSettingsJson } from './rule-json.ts';

const takeBody = z.strictObject({
  to: toField.default({}),
  names: z
    .array(z.string().max(200))
    .min(1, 'Name at least one, or leave it out for all.')
    .max(DEFAULT_RULES.length)
    .optional()
    .describe('Only these; without it, all.'),
});

/** Rules that most projects want, to be taken over with one call. Nobody has them unasked. */
export function createDefaultRoutes(deps: {
  alertRules: Pick<AlertRules, 'of' | 'insert'>;
  access: RuleAccess;
  ids: Ids;
}): Route[] {
  const { alertRules, access } = deps;
  const namesOf = async (projectId: string): Promise<Set<string>> =>
    new Set((await alertRules.of(projectId)).map(({ name }) => name));

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/alert-rules/defaults',
      auth: 'read',
      group: 'Alerts',
      summary: 'Alert rules that most projects want',
      description: 'No project has them until POST takes them over.',
      responses: {
        200: {
          description: 'All of them.',
          schema: z.object({ data: z.array(defaultRuleSchema) }),
        },
      },
      async handle({ projectId }) {
        const taken = await namesOf(projectId);
        const data = DEFAULT_RULES.map(({ name, type, settings }) => {
          const rule = { ...defaultSettings(type), ...settings, name, type, isEnabled: true };
          return { ...toSettingsJson(rule), taken: taken.has(name) };
        });
        return { status: 200, body: { data } };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/alert-rules/defaults',
      auth: 'manage',
      group: 'Alerts',
      summary: 'Take over the default alert rules',
      description:
        'All of them tell whom `to` names. Those whose name the project has are skipped.',
      body: takeBody,
      responses: {
        201: {
          description: 'Those that were made.',
          schema: z.object({ data: z.array(ruleSchema), skipped: z.array(z.string()) }),
        },
      },
      async handle({ projectId, body, remember }) {
        const { names } = body;
        for (const [index, name] of (names ?? []).entries()) {
          if (DEFAULT_RULES.some((rule) => rule.name === name)) continue;
          const detail = 'There is no such default rule: GET /v1/alert-rules/defaults has them.';
          refuseField(`/names/${index}`, detail);
        }
        const wanted = DEFAULT_RULES.filter(({ name }) => names?.includes(name) ?? true);
        const taken = await namesOf(projectId);
        const rules: AlertRule[] = [];
        for (const { name, type, settings } of wanted) {
          if (taken.has(name)) continue;
          const made = await access.make(projectId, type, { name, to: body.to });
          rules.push({ ...made, ...settings });
        }
        await access.requireRoom(projectId, rules.length);
        const skipped = wanted.flatMap(({ name }) => (taken.has(name) ? [name] : []));
        const answer = { status: 201, body: { data: await access.show(rules), skipped } };
        await alertRules.insert(rules, remember(answer));
        return answer;
      },
    }),
  ];
}
