import { z } from 'zod';
import type { AlertReading, AlertRule } from '../../../core/alerts/alert-rule.ts';
import {
  ALERT_TYPE_NAMES,
  type AlertType,
  entryOf,
  SCOPE_NAMES,
} from '../../../core/alerts/alert-types.ts';
import type { RuleFault } from '../../../core/alerts/check-rule.ts';
import { WEEKDAYS } from '../../../core/alerts/quiet-hours.ts';
import { sayRule } from '../../../core/alerts/say-rule.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { timestampSchema } from '../schemas.ts';

const scopeSchema = z.partialRecord(z.enum(SCOPE_NAMES), z.string());

const settingsShape = {
  name: z.string(),
  type: z.enum(ALERT_TYPE_NAMES),
  enabled: z.boolean(),
  scope: scopeSchema,
  threshold: z.number().nullable(),
  window_seconds: z.int().nullable(),
  min_volume: z.int().nullable(),
  resolve_below: z.number().nullable(),
  resolve_after_seconds: z.int(),
  quiet_hours: z
    .object({
      time_zone: z.string(),
      from: z.string(),
      to: z.string(),
      days: z.array(z.enum(WEEKDAYS)),
    })
    .nullable(),
  urgent: z.boolean(),
  repeat_seconds: z.int().nullable(),
  to: z.object({ sinks: z.array(z.string()), emails: z.array(z.string()) }),
  actions: z.array(z.looseObject({ type: z.string() })),
  sentence: z.string().describe('When it fires and resolves, whom it tells and what it does.'),
};

export const ruleSchema = z.object({
  id: z.string(),
  ...settingsShape,
  problems: z
    .array(z.object({ pointer: z.string(), detail: z.string() }))
    .describe('What it names and is not there any more.'),
  firing: z.int().describe('Alerts of it that are not resolved.'),
  version: z.int(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
});

export const defaultRuleSchema = z.object({
  ...settingsShape,
  taken: z.boolean().describe('The project has a rule of this name.'),
});

export const subjectSchema = z
  .object({ kind: z.string(), id: z.string(), name: z.string() })
  .nullable()
  .describe('What it is about; null for the project as a whole.');

export const typeSchema = z.object({
  type: z.enum(ALERT_TYPE_NAMES),
  title: z.string(),
  summary: z.string(),
  unit: z.enum(['share', 'count', 'seconds']).describe('Of threshold and value; 5% is 0.05.'),
  about: z.string().describe('There is one alert for each of these.'),
  threshold: z.object({
    default: z.number().nullable(),
    min: z.number(),
    max: z.number(),
    optional: z.boolean().describe('null is allowed: what is usual for the thing itself decides.'),
  }),
  window_seconds: z.object({ default: z.int(), min: z.int(), max: z.int() }).nullable(),
  min_volume: z.object({ default: z.int(), min: z.int() }).nullable(),
  resolve_after_seconds: z.int(),
  scope: z.array(z.enum(SCOPE_NAMES)),
  actions: z.array(z.string()),
  past: z
    .enum(['statistics', 'events'])
    .nullable()
    .describe('What a test on the past goes by; null: nothing of it is kept.'),
});

export function toTypeJson(type: AlertType): z.input<typeof typeSchema> {
  const { threshold, windowSeconds, minVolume, resolveAfterSeconds, ...entry } = entryOf(type);
  return {
    type,
    title: entry.title,
    summary: entry.summary,
    unit: entry.unit,
    about: entry.about,
    threshold: { ...threshold, optional: threshold.default === null },
    window_seconds: windowSeconds,
    min_volume: minVolume,
    resolve_after_seconds: resolveAfterSeconds,
    scope: [...entry.scope],
    actions: [...entry.actions],
    past: entry.past,
  };
}

type Settings = Omit<AlertRule, 'projectId' | 'id' | 'version' | 'createdAtMs' | 'updatedAtMs'>;

export function toSettingsJson(rule: Settings) {
  const { quietHours: quiet } = rule;
  return {
    name: rule.name,
    type: rule.type,
    enabled: rule.isEnabled,
    scope: { ...rule.scope },
    threshold: rule.threshold,
    window_seconds: inSeconds(rule.windowMs),
    min_volume: rule.minVolume,
    resolve_below: rule.resolveBelow,
    resolve_after_seconds: rule.resolveAfterMs / 1_000,
    quiet_hours:
      quiet === null
        ? null
        : { time_zone: quiet.timeZone, from: quiet.from, to: quiet.to, days: [...quiet.days] },
    urgent: rule.isUrgent,
    repeat_seconds: inSeconds(rule.repeatMs),
    to: { sinks: [...rule.to.sinks], emails: [...rule.to.emails] },
    actions: rule.actions.map((action) => ({ ...action })),
    sentence: sayRule(rule),
  };
}

export function toRuleJson(
  rule: AlertRule,
  { problems, firing }: { problems: readonly RuleFault[]; firing: number },
): z.input<typeof ruleSchema> {
  return {
    id: rule.id,
    ...toSettingsJson(rule),
    problems: problems.map(({ pointer, detail }) => ({ pointer, detail })),
    firing,
    version: rule.version,
    created_at: toTimestamp(rule.createdAtMs),
    updated_at: toTimestamp(rule.updatedAtMs),
  };
}

export function toSubjectJson(subject: AlertReading['subject']) {
  return subject === null ? null : { kind: subject.kind, id: subject.id, name: subject.name };
}

function inSeconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}
