import { z } from 'zod';
import {
  ALERT_STATES,
  type Alert,
  type AlertAction,
  type AlertNotice,
  NOTICE_TURNS,
  RESOLVE_REASONS,
  stateOf,
} from '../../../core/alerts/alert-rule.ts';
import { ALERT_TYPE_NAMES } from '../../../core/alerts/alert-types.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { timestampSchema } from '../schemas.ts';
import { subjectSchema, toSubjectJson } from './rule-json.ts';

export const alertSchema = z.object({
  id: z.string(),
  rule: z
    .object({ id: z.string(), name: z.string(), type: z.enum(ALERT_TYPE_NAMES) })
    .describe('As it was when it fired; it may have been changed or deleted since.'),
  about: subjectSchema,
  state: z.enum(ALERT_STATES),
  sentence: z.string().describe('What was found when it fired.'),
  value: z.number(),
  worst_value: z.number().describe('The highest since it fired.'),
  threshold: z.number(),
  volume: z.number().nullable(),
  fired_at: timestampSchema,
  resolved_at: timestampSchema.nullable(),
  resolved_because: z.enum(RESOLVE_REASONS).nullable(),
  acknowledged_at: timestampSchema.nullable(),
  acknowledged_by: z.string().nullable().describe('The address of a user, or the name of a key.'),
  snoozed_until: timestampSchema.nullable(),
  snoozed_by: z.string().nullable(),
  notices: z
    .object({ sent: z.int(), waiting: z.int(), failed: z.int() })
    .describe('What was told and done because of it: how many.'),
});

export const noticeSchema = z.object({
  id: z.string(),
  what: z.enum(NOTICE_TURNS),
  kind: z.enum(['sink', 'email', 'action']),
  to: z.string().describe('The id of a sink, an address, or an action.'),
  name: z.string().describe('The same for people.'),
  state: z
    .enum(['waiting', 'quiet', 'sent', 'failed'])
    .describe('quiet: it waits for quiet hours to end.'),
  attempts: z.int(),
  detail: z.string().nullable().describe('What the last attempt came to.'),
  created_at: timestampSchema,
  due_at: timestampSchema.nullable().describe('The next attempt; null when it is settled.'),
  settled_at: timestampSchema.nullable(),
});

export const wholeAlertSchema = alertSchema.extend({
  history: z.array(noticeSchema).describe('What was told and done, the oldest first.'),
});

export function toAlertJson(
  alert: Alert,
  notices: readonly AlertNotice[],
  nowMs: number,
): z.input<typeof alertSchema> {
  const own = notices.filter(({ alertId }) => alertId === alert.id);
  const count = (state: AlertNotice['state']): number =>
    own.filter((notice) => notice.state === state).length;
  return {
    id: alert.id,
    rule: { id: alert.ruleId, name: alert.ruleName, type: alert.type },
    about: toSubjectJson(alert.subject),
    state: stateOf(alert, nowMs),
    sentence: alert.sentence,
    value: alert.value,
    worst_value: alert.worstValue,
    threshold: alert.threshold,
    volume: alert.volume,
    fired_at: toTimestamp(alert.firedAtMs),
    resolved_at: timeOrNull(alert.resolvedAtMs),
    resolved_because: alert.resolvedBecause,
    acknowledged_at: timeOrNull(alert.acknowledgedAtMs),
    acknowledged_by: alert.acknowledgedBy,
    snoozed_until: timeOrNull(alert.snoozedUntilMs),
    snoozed_by: alert.snoozedBy,
    notices: { sent: count('sent'), waiting: count('waiting'), failed: count('failed') },
  };
}

/** `nameOf`: of a sink. */
export function toNoticeJson(
  notice: AlertNotice,
  nameOf: (sinkId: string) => string,
  nowMs: number,
): z.input<typeof noticeSchema> {
  const { id, turn, kind, destination, state, attempts, dueAtMs, isQuiet, detail } = notice;
  const action = kind === 'action' ? sayShortly(JSON.parse(destination)) : null;
  const waitsForMorning = isQuiet && attempts === 0 && dueAtMs !== null && dueAtMs > nowMs;
  return {
    id,
    what: turn,
    kind,
    to: action ?? destination,
    name: kind === 'sink' ? nameOf(destination) : (action ?? destination),
    state: waitsForMorning ? 'quiet' : state,
    attempts,
    detail,
    created_at: toTimestamp(notice.createdAtMs),
    due_at: timeOrNull(dueAtMs),
    settled_at: timeOrNull(notice.settledAtMs),
  };
}

/** `hold_stream broadcast`. */
function sayShortly(action: AlertAction): string {
  return Object.values(action).join(' ');
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : toTimestamp(ms);
}
