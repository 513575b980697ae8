import { z } from 'zod';
import { ALERT_TYPE_NAMES } from '../../../core/alerts/alert-types.ts';
import { isId } from '../../../core/ids.ts';
import { checkVersion, explainConflict, type IfMatch } from '../../entity-tag.ts';
import { defineRoute, type Route } from '../../route.ts';
import { keyOfCursor, nextCursorSchema, pageQuery } from '../schemas.ts';
import { createDefaultRoutes } from './default-routes.ts';
import { createRuleAccess, type RuleAccessDeps } from './rule-access.ts';
import { changedRuleSchema, newRuleSchema, ruleParam } from './rule-fields.ts';
import { ruleSchema, toTypeJson, typeSchema } from './rule-json.ts';
import { createRuleTestRoutes, type RuleTestDeps } from './rule-test-routes.ts';

/** Rules that watch over a project. */
export function createAlertRuleRoutes(
  deps: RuleAccessDeps & Omit<RuleTestDeps, 'access'>,
): Route[] {
  const { alertRules } = deps;
  const access = createRuleAccess(deps);
  const shown = async (rule: Parameters<typeof access.show>[0][number]) =>
    (await access.show([rule]))[0];

  const explained = (work: Promise<void>, ifMatch: IfMatch): Promise<void> =>
    work.catch((error: unknown) => {
      throw explainConflict(error, ifMatch);
    });

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/alert-rule-types',
      auth: 'read',
      group: 'Alerts',
      summary: 'The types of alert rules',
      description: 'With their defaults, and what each may be narrowed to.',
      responses: {
        200: { description: 'All of them.', schema: z.object({ data: z.array(typeSchema) }) },
      },
      handle: async () => ({ status: 200, body: { data: ALERT_TYPE_NAMES.map(toTypeJson) } }),
    }),
    ...createDefaultRoutes({ ...deps, access }),
    ...createRuleTestRoutes({ ...deps, access }),
    defineRoute({
      method: 'POST',
      path: '/v1/alert-rules',
      auth: 'manage',
      group: 'Alerts',
      summary: 'Create an alert rule',
      description:
        'What is left out is as its type has it. A rule that could never fire, or names what is not there, is refused. It is looked at each minute from now on.',
      body: newRuleSchema,
      versioned: true,
      responses: { 201: { description: 'Created.', schema: ruleSchema } },
      async handle({ projectId, body, remember }) {
        const { type, ...fields } = body;
        const rule = await access.make(projectId, type, fields);
        await access.requireRoom(projectId, 1);
        const answer = { status: 201, body: await shown(rule) };
        await alertRules.insert([rule], remember(answer));
        return answer;
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/alert-rules',
      auth: 'read',
      group: 'Alerts',
      summary: 'List alert rules',
      query: z.strictObject(pageQuery),
      responses: {
        200: {
          description: 'A page of rules, the newest first.',
          schema: z.object({ data: z.array(ruleSchema), next_cursor: nextCursorSchema }),
        },
      },
      async handle({ projectId, query }) {
        const beforeId = keyOfCursor(query.cursor, (key) => isId('alertRule', key));
        const page = await alertRules.list({ projectId, limit: query.limit, beforeId });
        const data = await access.show(page.rows);
        return { status: 200, body: { data, next_cursor: page.nextCursor } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/alert-rules/{id}',
      auth: 'read',
      group: 'Alerts',
      summary: 'One alert rule',
      description: 'With what it names and is not there any more.',
      params: ruleParam,
      versioned: true,
      responses: { 200: { description: 'The rule.', schema: ruleSchema } },
      async handle({ projectId, params }) {
        return { status: 200, body: await shown(await access.find(projectId, params.id)) };
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/alert-rules/{id}',
      auth: 'manage',
      group: 'Alerts',
      summary: 'Change an alert rule',
      description:
        'Fields that are left out stay as they are; with a new threshold the line below which it resolves moves along. An alert that is open goes on by the new rule; one of a rule that is disabled resolves.',
      params: ruleParam,
      body: changedRuleSchema,
      versioned: true,
      responses: { 200: { description: 'The rule as it is now.', schema: ruleSchema } },
      async handle({ projectId, params, body, ifMatch }) {
        const before = await access.find(projectId, params.id);
        checkVersion(ifMatch, before.version);
        const changed = await access.change(before, body);
        await explained(alertRules.update(before, changed), ifMatch);
        return { status: 200, body: await shown(changed) };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/alert-rules/{id}',
      auth: 'manage',
      group: 'Alerts',
      summary: 'Delete an alert rule',
      description: 'Alerts of it that are open resolve within a minute; all stay in the history.',
      params: ruleParam,
      versioned: true,
      responses: { 204: { description: 'Deleted.' } },
      async handle({ projectId, params, ifMatch }) {
        const rule = await access.find(projectId, params.id);
        checkVersion(ifMatch, rule.version);
        await explained(alertRules.remove(rule), ifMatch);
        return { status: 204 };
      },
    }),
  ];
}
