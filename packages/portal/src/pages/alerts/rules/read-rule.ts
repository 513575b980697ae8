import {
  type AlertActionType,
  type AlertRuleType,
  type AlertSettings,
  type AlertUnit,
  WEEKDAYS,
} from '../../../api/objects.ts';
import { readDuration } from '../../../design/forms/duration-field.tsx';

/** What of a rule is entered: the API takes it so, with its type beside it. */
export type RuleBody = Partial<Omit<AlertSettings, 'type' | 'name' | 'sentence'>> & {
  name: string | null;
};

/** The rule that is entered. `isNew`: what is left empty has the default of the type. */
export function readRule(form: FormData, type: AlertRuleType, isNew: boolean): RuleBody {
  const below = readAmount(form, 'resolve_below', type.unit);
  return {
    name: textOf(form, 'name') || null,
    enabled: form.has('enabled'),
    scope: readScope(form, type),
    threshold: readAmount(form, 'threshold', type.unit),
    ...(type.window_seconds === null
      ? {}
      : { window_seconds: readDuration(form, 'window_seconds') }),
    ...(type.min_volume === null ? {} : { min_volume: readNumber(form, 'min_volume') }),
    ...(below === null && isNew ? {} : { resolve_below: below }),
    resolve_after_seconds: readDuration(form, 'resolve_after_seconds') ?? 0,
    quiet_hours: form.has('quiet') ? readQuietHours(form) : null,
    urgent: form.has('urgent'),
    repeat_seconds: readDuration(form, 'repeat_seconds'),
    to: readTo(form),
    actions: form.getAll('actions').map((one) => readAction(form, one as AlertActionType)),
  };
}

/** Sinks that are ticked, and addresses, one on a line or with commas between. */
export function readTo(form: FormData): AlertSettings['to'] {
  const emails = textOf(form, 'to/emails').split(/[\s,;]+/);
  return {
    sinks: form.getAll('to/sinks').map(String),
    emails: emails.filter((one) => one !== ''),
  };
}

function textOf(form: FormData, name: string): string {
  return String(form.get(name) ?? '').trim();
}

function readNumber(form: FormData, name: string): number | null {
  const text = textOf(form, name);
  return text === '' ? null : Number(text);
}

/** Of thresholds: shares are entered as percentages, seconds with a unit. */
function readAmount(form: FormData, name: string, unit: AlertUnit): number | null {
  if (unit === 'seconds') return readDuration(form, name);
  const number = readNumber(form, name);
  // 4.1 % is 0.041, and not 0.040999999999999995.
  return number === null || unit === 'count' ? number : Number((number / 100).toPrecision(9));
}

function readScope(form: FormData, type: AlertRuleType): NonNullable<RuleBody['scope']> {
  const entered = type.scope.map((name) => [name, textOf(form, `scope/${name}`)] as const);
  return Object.fromEntries(entered.filter(([, value]) => value !== ''));
}

function readQuietHours(form: FormData): RuleBody['quiet_hours'] {
  return {
    time_zone: textOf(form, 'quiet_hours/time_zone'),
    from: textOf(form, 'quiet_hours/from'),
    to: textOf(form, 'quiet_hours/to'),
    days: WEEKDAYS.filter((day) => form.getAll('quiet_hours/days').includes(day)),
  };
}

function readAction(form: FormData, type: AlertActionType): AlertSettings['actions'][number] {
  if (type === 'hold_stream') return { type, stream: textOf(form, 'hold_stream') };
  if (type === 'hold_key') return { type, key: textOf(form, 'hold_key') };
  return { type };
}
