import { z } from 'zod';
import {
  ALERT_ACTIONS,
  type AlertAction,
  type AlertRule,
  type AlertScope,
} from '../../../core/alerts/alert-rule.ts';
import {
  ALERT_TYPE_NAMES,
  type AlertType,
  explainUnknownAlertType,
  SCOPE_NAMES,
} from '../../../core/alerts/alert-types.ts';
import { defaultSettings, usualResolveBelow } from '../../../core/alerts/new-rule.ts';
import { type QuietHours, WEEKDAYS } from '../../../core/alerts/quiet-hours.ts';
import { toAsciiDomain } from '../../../core/mail/mail-domain.ts';
import { STREAMS } from '../../../core/mail/streams.ts';
import { lineOf } from '../schemas.ts';

/** The fields of an alert rule as they come in, each with its limits. */

const MAX_TOLD = 20;
const MAX_ACTIONS = 10;
const MAX_NAME = 200;
const DAY_S = 86_400;

export const typeField = z
  .string()
  .max(100)
  .superRefine((text, context) => {
    if (isAlertType(text)) return;
    context.addIssue({ code: 'custom', message: explainUnknownAlertType(text) });
  })
  .transform((text) => text as AlertType)
  .meta({ enum: ALERT_TYPE_NAMES })
  .describe('What it watches over: GET /v1/alert-rule-types has them all.');

const scopeField = z
  .strictObject(
    Object.fromEntries(SCOPE_NAMES.map((name) => [name, lineOf(300).min(1)])) as Record<
      (typeof SCOPE_NAMES)[number],
      ReturnType<typeof lineOf>
    >,
  )
  .partial()
  .describe(
    'What it is narrowed to; {}: everything. GET /v1/alert-rule-types says what each type may have.',
  );

const clockTime = (pattern: RegExp, detail: string) => z.string().regex(pattern, detail);

const quietHoursField = z
  .strictObject({
    time_zone: z.string().min(1).max(100).describe('An IANA name, such as Europe/Berlin.'),
    from: clockTime(/^([01]\d|2[0-3]):[0-5]\d$/, 'Write a time such as 22:00.'),
    to: clockTime(
      /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/,
      'Write a time such as 07:00; 24:00 is midnight.',
    ).describe('On the next day where it is not after from.'),
    days: z
      .array(z.enum(WEEKDAYS))
      .max(WEEKDAYS.length)
      .default([...WEEKDAYS])
      .describe('On which days they begin; every day when left out.'),
  })
  .describe('What fires in them is told when they end.');

export const toField = z
  .strictObject({
    sinks: z.array(z.string().max(200)).max(MAX_TOLD),
    emails: z.array(z.email('An address looks like user@example.com.').max(320)).max(MAX_TOLD),
  })
  .partial()
  .describe('Sinks of the project, and addresses that get a mail.');

const actionField = z
  .discriminatedUnion(
    'type',
    [
      z.strictObject({
        type: z.literal('hold_stream'),
        stream: z.enum(STREAMS).describe('Its mail waits for a person from then on.'),
      }),
      z.strictObject({
        type: z.literal('hold_key'),
        key: z.string().max(200).describe('The id of a key. Its mail waits for a person.'),
      }),
      z.strictObject({ type: z.literal('suppress') }),
      z.strictObject({ type: z.literal('disable_endpoint') }),
    ],
    { error: `An action has a type: ${ALERT_ACTIONS.join(', ')}.` },
  )
  .describe('What is done when it fires. Nothing of it is undone by itself.');

const number = (what: string) => z.number().nullable().describe(what);
const seconds = (max: number, what: string) => z.int().min(0).max(max).describe(what);

const fields = {
  name: lineOf(MAX_NAME).min(1).nullable().describe('For people; without it, that of the type.'),
  enabled: z.boolean(),
  scope: scopeField,
  threshold: number('It fires at it, or over it: a share of 1, a count or seconds.'),
  window_seconds: z
    .int()
    .min(0)
    .nullable()
    .describe('Over which time it counts; null for types that look at what is so now.'),
  min_volume: z
    .int()
    .min(0)
    .nullable()
    .describe('With fewer messages it does not fire; null for types without.'),
  resolve_below: number('It resolves below it; null: below the threshold.'),
  resolve_after_seconds: seconds(DAY_S, 'For how long it has to be below that first.'),
  quiet_hours: quietHoursField.nullable(),
  urgent: z.boolean().describe('It tells in quiet hours too.'),
  repeat_seconds: z
    .int()
    .min(300, 'At most every five minutes: 300.')
    .max(7 * DAY_S)
    .nullable()
    .describe('It tells again so often while nobody has acknowledged it.'),
  to: toField,
  actions: z.array(actionField).max(MAX_ACTIONS),
};

const optionalSchema = z.strictObject(fields).partial();

export const optionalShape = optionalSchema.shape;
export const newRuleSchema = z.strictObject({ type: typeField, ...optionalShape });
export const changedRuleSchema = z
  .strictObject(optionalShape)
  .refine((body) => Object.keys(body).length > 0, 'Name at least one field to change.');

export type RuleFields = z.output<typeof optionalSchema>;

export const ruleParam = z.object({ id: z.string().max(200).describe('The id of the rule.') });

type Blank = Pick<AlertRule, 'projectId' | 'type' | 'id' | 'version'> & { nowMs: number };

/** A rule with what its type has where nothing is said. */
export function blankRule({ nowMs, ...own }: Blank, name: string): AlertRule {
  return {
    ...defaultSettings(own.type),
    ...own,
    name,
    isEnabled: true,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

/** The rule with the fields that are there. Where only the threshold moves, the lower line moves along. */
export function applyFields(before: AlertRule, fields: RuleFields, usualName: string): AlertRule {
  const { name, enabled, scope, threshold, to, actions } = fields;
  const { quiet_hours: quiet, repeat_seconds: repeat, resolve_below: below } = fields;
  const { window_seconds: window, resolve_after_seconds: after } = fields;
  const line = threshold === undefined ? before.threshold : threshold;
  const usual =
    threshold === undefined ? before.resolveBelow : usualResolveBelow(before.type, line);
  return {
    ...before,
    name: name === undefined ? before.name : (name ?? usualName),
    isEnabled: enabled ?? before.isEnabled,
    scope: scope === undefined ? before.scope : readScope(scope),
    threshold: line,
    windowMs: window === undefined ? before.windowMs : inMs(window),
    minVolume: fields.min_volume === undefined ? before.minVolume : fields.min_volume,
    resolveBelow: below === undefined ? usual : below,
    resolveAfterMs: after === undefined ? before.resolveAfterMs : after * 1_000,
    quietHours: quiet === undefined ? before.quietHours : readQuietHours(quiet),
    isUrgent: fields.urgent ?? before.isUrgent,
    repeatMs: repeat === undefined ? before.repeatMs : inMs(repeat),
    to: {
      sinks: to?.sinks === undefined ? before.to.sinks : unique(to.sinks),
      emails: to?.emails === undefined ? before.to.emails : unique(to.emails),
    },
    actions: actions === undefined ? before.actions : (actions as AlertAction[]),
  };
}

const inMs = (given: number | null): number | null => (given === null ? null : given * 1_000);
const unique = (values: readonly string[]): string[] => [...new Set(values)];

/** Domains in the form in which they are counted. */
function readScope(given: NonNullable<RuleFields['scope']>): AlertScope {
  const scope: AlertScope = {};
  for (const name of SCOPE_NAMES) {
    const value = given[name];
    if (value === undefined) continue;
    scope[name] = name.endsWith('domain') ? toAsciiDomain(value) : value;
  }
  return scope;
}

function readQuietHours(given: NonNullable<RuleFields['quiet_hours']> | null): QuietHours | null {
  if (given === null) return null;
  const { time_zone: timeZone, from, to, days } = given;
  return { timeZone, from, to, days: WEEKDAYS.filter((day) => days.includes(day)) };
}

function isAlertType(text: string): text is AlertType {
  return ALERT_TYPE_NAMES.some((name) => name === text);
}
