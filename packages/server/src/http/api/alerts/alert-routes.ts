import { z } from 'zod';
import type { AlertRoom } from '../../../alerts/create-alert-room.ts';
import { ALERT_STATES, type Alert } from '../../../core/alerts/alert-rule.ts';
import { isId } from '../../../core/ids.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { ApiKeys } from '../../../store/access/api-keys.ts';
import type { Users } from '../../../store/access/users.ts';
import type { AlertNotices } from '../../../store/alerts/alert-notices.ts';
import type { AlertRules } from '../../../store/alerts/alert-rules.ts';
import type { Alerts } from '../../../store/alerts/alerts.ts';
import type { Statement } from '../../../store/engine.ts';
import type { EventLog } from '../../../store/log/event-log.ts';
import type { Sinks } from '../../../store/sinks/sinks.ts';
import { defineRoute, type Route, type RouteRequest } from '../../route.ts';
import { refuseField } from '../filters.ts';
import { idParam, keyOfCursor, nextCursorSchema, pageQuery, timestampSchema } from '../schemas.ts';
import { alertSchema, toAlertJson, toNoticeJson, wholeAlertSchema } from './alert-json.ts';

const listQuery = z.strictObject({
  state: z
    .enum(['open', ...ALERT_STATES])
    .optional()
    .describe('open: all that are not resolved.'),
  rule_id: z.string().max(200).optional().describe('Only of this rule.'),
  ...pageQuery,
});

const MAX_SNOOZE_MS = 31 * 86_400_000;

const snoozeBody = z.strictObject({
  until: timestampSchema.nullable().describe('When it is told again if it still fires; null: now.'),
});

export interface AlertRouteDeps {
  alertRules: Pick<AlertRules, 'get'>;
  alerts: Pick<Alerts, 'list' | 'get'>;
  alertNotices: Pick<AlertNotices, 'of'>;
  alertRoom: Pick<AlertRoom<Statement>, 'changing'>;
  sinks: Pick<Sinks, 'get'>;
  users: Pick<Users, 'get'>;
  apiKeys: Pick<ApiKeys, 'get'>;
  log: Pick<EventLog, 'append'>;
  now: () => number;
}

/** What fires, and what has fired. */
export function createAlertRoutes(deps: AlertRouteDeps): Route[] {
  const { alerts, alertNotices: notices, now } = deps;

  async function find(projectId: string, params: unknown): Promise<Alert> {
    const id = String((params as { id: string }).id);
    const alert = isId('alert', id) ? await alerts.get({ projectId, id }) : null;
    if (alert === null) throw new PosthornError('not_found', `There is no alert ${id}.`);
    return alert;
  }

  /** A person by the address, a program by the name of its key. */
  async function nameOf({ projectId, callerId }: Pick<RouteRequest, 'projectId' | 'callerId'>) {
    if (isId('user', callerId)) return (await deps.users.get(callerId))?.email ?? callerId;
    return (await deps.apiKeys.get(projectId, callerId))?.name ?? callerId;
  }

  async function show(alert: Alert) {
    return toAlertJson(alert, await notices.of(alert.projectId, [alert.id]), now());
  }

  /** In one commit with the remembered answer. */
  async function change(
    request: Pick<RouteRequest, 'remember'>,
    before: Alert,
    to: Partial<Alert>,
  ) {
    const changed = { ...before, ...to };
    const answer = { status: 200, body: await show(changed) };
    await deps.log.append([], [deps.alertRoom.changing(changed), ...request.remember(answer)]);
    return answer;
  }

  function refuseOver(alert: Alert): void {
    if (alert.resolvedAtMs === null) return;
    throw new PosthornError('conflict', 'It is resolved already: nothing is to be done about it.');
  }

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/alerts',
      auth: 'read',
      group: 'Alerts',
      summary: 'List alerts',
      description: 'Each is one firing of a rule, from its beginning to its end.',
      query: listQuery,
      responses: {
        200: {
          description: 'A page of alerts, the newest first.',
          schema: z.object({ data: z.array(alertSchema), next_cursor: nextCursorSchema }),
        },
      },
      async handle({ projectId, query }) {
        const page = await alerts.list({
          projectId,
          state: query.state ?? null,
          ruleId: query.rule_id ?? null,
          nowMs: now(),
          limit: query.limit,
          beforeId: keyOfCursor(query.cursor, (key) => isId('alert', key)),
        });
        const told = await notices.of(
          projectId,
          page.rows.map(({ id }) => id),
        );
        const data = page.rows.map((alert) => toAlertJson(alert, told, now()));
        return { status: 200, body: { data, next_cursor: page.nextCursor } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/alerts/{id}',
      auth: 'read',
      group: 'Alerts',
      summary: 'One alert',
      description: 'With what was told to whom, what was done, and what became of it.',
      params: idParam('id', 'alert'),
      responses: { 200: { description: 'The alert.', schema: wholeAlertSchema } },
      async handle({ projectId, params }) {
        const alert = await find(projectId, params);
        const told = await notices.of(projectId, [alert.id]);
        const sinkIds = new Set(
          told.flatMap(({ kind, destination }) => (kind === 'sink' ? [destination] : [])),
        );
        const names = new Map<string, string>();
        for (const id of sinkIds) {
          names.set(id, (await deps.sinks.get(projectId, id))?.name ?? `${id} (deleted)`);
        }
        const history = told.map((notice) =>
          toNoticeJson(notice, (id) => names.get(id) ?? id, now()),
        );
        return { status: 200, body: { ...toAlertJson(alert, told, now()), history } };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/alerts/{id}/acknowledge',
      auth: 'manage',
      group: 'Alerts',
      summary: 'Acknowledge an alert',
      description:
        'Somebody is at it: it is not told again until it resolves. Who it was stands on it. Done twice, the first one stays.',
      params: idParam('id', 'alert'),
      responses: { 200: { description: 'The alert as it is now.', schema: alertSchema } },
      async handle(request) {
        const alert = await find(request.projectId, request.params);
        refuseOver(alert);
        if (alert.acknowledgedAtMs !== null) return change(request, alert, {});
        return change(request, alert, {
          acknowledgedAtMs: now(),
          acknowledgedBy: await nameOf(request),
          snoozedUntilMs: null,
          snoozedBy: null,
          repeatAtMs: null,
        });
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/alerts/{id}/snooze',
      auth: 'manage',
      group: 'Alerts',
      summary: 'Snooze an alert',
      description:
        'It is not told again before then; if it still fires, it is then. That it is over is told at once.',
      params: idParam('id', 'alert'),
      body: snoozeBody,
      responses: { 200: { description: 'The alert as it is now.', schema: alertSchema } },
      async handle(request) {
        const alert = await find(request.projectId, request.params);
        refuseOver(alert);
        const untilMs = request.body.until === null ? null : Date.parse(request.body.until);
        if (untilMs !== null && untilMs <= now()) {
          refuseField('/until', 'This time is past: it would not be snoozed.');
        }
        if (untilMs !== null && untilMs > now() + MAX_SNOOZE_MS) {
          refuseField('/until', 'At most 31 days. For longer, disable the rule.');
        }
        if (untilMs !== null) {
          const snoozedBy = await nameOf(request);
          return change(request, alert, {
            snoozedUntilMs: untilMs,
            snoozedBy,
            repeatAtMs: untilMs,
          });
        }
        const rule = await deps.alertRules.get({ projectId: alert.projectId, id: alert.ruleId });
        const repeatMs = alert.acknowledgedAtMs === null ? (rule?.repeatMs ?? null) : null;
        return change(request, alert, {
          snoozedUntilMs: null,
          snoozedBy: null,
          repeatAtMs: repeatMs === null ? null : now() + repeatMs,
        });
      },
    }),
  ];
}
