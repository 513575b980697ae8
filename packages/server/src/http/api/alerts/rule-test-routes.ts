import { z } from 'zod';
import type { AlertRoom } from '../../../alerts/create-alert-room.ts';
import type { NoticedAlert } from '../../../alerts/write-notice.ts';
import type { AlertReading, AlertRule } from '../../../core/alerts/alert-rule.ts';
import { entryOf } from '../../../core/alerts/alert-types.ts';
import { sayReading, sayRule } from '../../../core/alerts/say-rule.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import type { Statement } from '../../../store/engine.ts';
import type { EventLog } from '../../../store/log/event-log.ts';
import { defineRoute, type Route, type RouteAnswer, type RouteRequest } from '../../route.ts';
import { timestampSchema } from '../schemas.ts';
import type { RuleAccess } from './rule-access.ts';
import { newRuleSchema, ruleParam } from './rule-fields.ts';
import { subjectSchema, toSubjectJson } from './rule-json.ts';

/** Further back sums by the hour are not kept together with the four weeks before them. */
const MAX_DAYS = 60;
const MAX_FIRINGS = 100;

const daysField = z
  .int()
  .min(1)
  .max(MAX_DAYS, `At most ${MAX_DAYS} days: finer sums are not kept for longer.`)
  .default(7)
  .describe('How far back.');

const noticeSchema = z.object({ subject: z.string(), text: z.string() });

const previewSchema = z.object({
  sentence: z.string(),
  fired: noticeSchema.describe('The mail when it fires, with what there is now or could be.'),
  resolved: noticeSchema,
  now: z
    .array(
      z.object({
        about: subjectSchema,
        value: z.number().nullable().describe('null: too little to say anything.'),
        volume: z.number().nullable(),
        threshold: z.number(),
        fires: z.boolean(),
        sentence: z.string().nullable(),
      }),
    )
    .describe('What it finds now, at most 100.'),
});

const pastSchema = z.object({
  sentence: z.string(),
  basis: z.enum(['statistics', 'events']).nullable().describe('null: nothing of it is kept.'),
  since: timestampSchema,
  until: timestampSchema,
  count: z.int(),
  firings: z
    .array(
      z.object({
        about: subjectSchema,
        fired_at: timestampSchema,
        resolved_at: timestampSchema.nullable(),
        value: z.number(),
        sentence: z.string(),
      }),
    )
    .describe(`The newest first, at most ${MAX_FIRINGS}.`),
});

export interface RuleTestDeps {
  access: RuleAccess;
  alertRoom: Pick<AlertRoom<Statement>, 'readNow' | 'testOnPast' | 'write'>;
  log: Pick<EventLog, 'append'>;
  now: () => number;
}

/** What a rule says, would say, and would have said. Nothing is stored, and nobody is told. */
export function createRuleTestRoutes({ access, alertRoom, log, now }: RuleTestDeps): Route[] {
  async function remembered(
    { remember }: Pick<RouteRequest, 'remember'>,
    answer: RouteAnswer,
  ): Promise<RouteAnswer> {
    const statements = remember(answer);
    if (statements.length > 0) await log.append([], statements);
    return answer;
  }

  async function past(rule: AlertRule, days: number): Promise<RouteAnswer> {
    const { firings, sentence, basis, sinceMs, untilMs } = await alertRoom.testOnPast(rule, days);
    const body = {
      sentence,
      basis,
      since: toTimestamp(sinceMs),
      until: toTimestamp(untilMs),
      count: firings.length,
      firings: firings.slice(0, MAX_FIRINGS).map(({ subject, reading, ...at }) => ({
        about: toSubjectJson(subject),
        fired_at: toTimestamp(at.firedAtMs),
        resolved_at: at.resolvedAtMs === null ? null : toTimestamp(at.resolvedAtMs),
        value: reading.value,
        sentence: sayReading(rule, reading),
      })),
    };
    return { status: 200, body };
  }

  function write(
    rule: AlertRule,
    reading: AlertReading & { value: number },
    turn: 'fired' | 'resolved',
  ) {
    const nowMs = now();
    const isOver = turn === 'resolved';
    const alert: NoticedAlert = {
      id: 'alt_...',
      ruleName: rule.name,
      type: rule.type,
      subject: reading.subject,
      sentence: sayReading(rule, reading),
      worstValue: reading.value,
      firedAtMs: isOver ? nowMs - Math.max(rule.resolveAfterMs, 600_000) : nowMs,
      resolvedAtMs: isOver ? nowMs : null,
      resolvedBecause: isOver ? 'recovered' : null,
      acknowledgedBy: null,
    };
    return alertRoom.write(rule.projectId, turn, alert);
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/v1/alert-rules/preview',
      auth: 'manage',
      group: 'Alerts',
      summary: 'What an alert rule says',
      description:
        'In words, as a mail, and what it finds now. It takes what POST /v1/alert-rules takes, and refuses what that refuses.',
      body: newRuleSchema,
      responses: { 200: { description: 'Nothing is stored.', schema: previewSchema } },
      async handle({ projectId, body, remember }) {
        const { type, ...fields } = body;
        const rule = await access.make(projectId, type, fields);
        const readings = ((await alertRoom.readNow(rule)) ?? []).slice(0, MAX_FIRINGS);
        const example = exampleOf(rule, readings);
        const answer = {
          status: 200,
          body: {
            sentence: sayRule(rule),
            fired: write(rule, example, 'fired'),
            resolved: write(rule, example, 'resolved'),
            now: readings.map(({ reading, fires, sentence }) => ({
              about: toSubjectJson(reading.subject),
              value: reading.value,
              volume: reading.volume,
              threshold: reading.threshold,
              fires,
              sentence,
            })),
          },
        };
        return remembered({ remember }, answer);
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/alert-rules/test',
      auth: 'manage',
      group: 'Alerts',
      summary: 'Try an alert rule on the past',
      description:
        'When it would have fired: by the sums for rates, counts and volume (by the hour beyond two days), by the events that were told for sources, limits and domains. Nothing is stored, and nobody is told.',
      body: z.strictObject({ rule: newRuleSchema, days: daysField }),
      responses: { 200: { description: 'When it would have fired.', schema: pastSchema } },
      async handle({ projectId, body, remember }) {
        const { type, ...fields } = body.rule;
        const rule = await access.make(projectId, type, fields);
        return remembered({ remember }, await past(rule, body.days));
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/alert-rules/{id}/test',
      auth: 'manage',
      group: 'Alerts',
      summary: 'Try a stored alert rule on the past',
      params: ruleParam,
      body: z.strictObject({ days: daysField }),
      responses: { 200: { description: 'When it would have fired.', schema: pastSchema } },
      async handle({ projectId, params, body, remember }) {
        const rule = await access.find(projectId, params.id);
        return remembered({ remember }, await past(rule, body.days));
      },
    }),
  ];
}

/** What fires now, or else what would be just enough. */
function exampleOf(
  rule: AlertRule,
  readings: readonly { reading: AlertReading; fires: boolean }[],
): AlertReading & { value: number } {
  const real = readings.find(({ fires }) => fires)?.reading;
  if (real !== undefined && real.value !== null) return { ...real, value: real.value };
  const { about } = entryOf(rule.type);
  const first = readings[0]?.reading.subject ?? null;
  const kind = about === 'project' ? null : about;
  const value = rule.threshold ?? 3_600;
  return {
    subject:
      first ?? (kind === null ? null : { kind, id: '', name: `one ${kind.replace('_', ' ')}` }),
    value,
    threshold: value,
    volume: null,
    part: null,
  };
}
