import type { AlertRule } from './alert-rule.ts';
import { type AlertTypeEntry, entryOf, SUMMED_SCOPES } from './alert-types.ts';
import { explainQuietHours } from './quiet-hours.ts';
import { sayCount, saySeconds, sayValue } from './say-numbers.ts';

/** More than anybody sends within the longest window. */
const MAX_MIN_VOLUME = 1_000_000_000;

/** What is wrong with a rule, with the JSON pointer of its field. */
export interface RuleFault {
  pointer: string;
  detail: string;
}

type Checked = Omit<AlertRule, 'projectId' | 'id' | 'version' | 'createdAtMs' | 'updatedAtMs'>;

/** Pure: everything that can be said without looking at the project: what can never fire, or never resolve. */
export function checkRule(rule: Checked): RuleFault[] {
  const entry = entryOf(rule.type);
  return [
    ...checkThreshold(rule, entry),
    ...checkWindow(rule, entry),
    ...checkVolume(rule, entry),
    ...checkScope(rule, entry),
    ...checkTelling(rule),
    ...checkActions(rule, entry),
  ];
}

function checkThreshold(
  rule: Checked,
  { unit, threshold: range, title }: AlertTypeEntry,
): RuleFault[] {
  const { threshold, resolveBelow } = rule;
  const faults: RuleFault[] = [];
  const at = (pointer: string, detail: string): unknown => faults.push({ pointer, detail });
  const say = (value: number): string => sayValue(unit, value);
  const within = `from ${range.min} (${say(range.min)}) to ${range.max} (${say(range.max)})`;
  if (threshold === null) {
    if (range.default !== null) at('/threshold', `${title} needs a threshold, ${within}.`);
    if (resolveBelow !== null) {
      at('/resolve_below', 'Without a threshold there is no line to be below; leave it out too.');
    }
    return faults;
  }
  if (threshold > range.max) {
    const never = unit === 'share' ? 'A share over 100% can never be reached. ' : '';
    const percent = unit === 'share' ? ' 5% is 0.05.' : '';
    at('/threshold', `${never}A threshold of "${title}" is ${within}.${percent}`);
  } else if (threshold < range.min) {
    // The lower line that goes with it would be as wrong.
    at('/threshold', `That is always reached. A threshold of "${title}" is ${within}.`);
    return faults;
  }
  if (unit === 'count' && !Number.isInteger(threshold)) {
    at('/threshold', 'This is a count: use a whole number.');
  }
  if (resolveBelow !== null && resolveBelow > threshold) {
    at(
      '/resolve_below',
      `It lies above the threshold (${say(threshold)}): it would resolve while it fires. Use ${threshold} or less.`,
    );
  }
  if (resolveBelow !== null && resolveBelow <= 0) {
    at('/resolve_below', 'Nothing is ever below 0: it would never resolve.');
  }
  return faults;
}

function checkWindow(
  { windowMs }: Checked,
  { windowSeconds: range, title }: AlertTypeEntry,
): RuleFault[] {
  const pointer = '/window_seconds';
  if (range === null) {
    if (windowMs === null) return [];
    return [{ pointer, detail: `${title} looks at what is so now, and has no window.` }];
  }
  const within = `from ${range.min} (${saySeconds(range.min)}) to ${range.max} (${saySeconds(range.max)})`;
  if (windowMs === null) return [{ pointer, detail: `${title} needs a window, ${within}.` }];
  const seconds = windowMs / 1_000;
  if (seconds > range.max) {
    const detail = `Numbers of that long ago are not kept finely enough to go by. A window is ${within}.`;
    return [{ pointer, detail }];
  }
  if (seconds >= range.min) return [];
  return [{ pointer, detail: `Too short to say anything. A window is ${within}.` }];
}

function checkVolume(
  { minVolume }: Checked,
  { minVolume: range, title, unit }: AlertTypeEntry,
): RuleFault[] {
  const pointer = '/min_volume';
  if (range === null) {
    if (minVolume === null) return [];
    const why = unit === 'share' ? 'goes by what there is' : 'is no rate';
    return [{ pointer, detail: `${title} ${why}, and has no minimum volume.` }];
  }
  if (minVolume !== null && minVolume > MAX_MIN_VOLUME) {
    const detail = `Nobody sends so much: it would never fire. Use at most ${sayCount(MAX_MIN_VOLUME)}.`;
    return [{ pointer, detail }];
  }
  if (minVolume !== null && minVolume >= range.min) return [];
  const detail = `A rate of nothing says nothing: use at least ${sayCount(range.min)}, better ${sayCount(range.default)}.`;
  return [{ pointer, detail }];
}

function checkScope({ scope }: Checked, { scope: may, title }: AlertTypeEntry): RuleFault[] {
  const faults: RuleFault[] = [];
  for (const name of Object.keys(scope)) {
    if (may.some((one) => one === name)) continue;
    const there =
      may.length === 0 ? 'It is about the whole project.' : `There are: ${may.join(', ')}.`;
    faults.push({
      pointer: `/scope/${name}`,
      detail: `${title} cannot be narrowed to that. ${there}`,
    });
  }
  const [, second] = SUMMED_SCOPES.filter((name) => scope[name] !== undefined);
  if (second !== undefined && faults.length === 0) {
    const detail = `Numbers are kept for one of ${SUMMED_SCOPES.join(', ')} at a time, beside the stream.`;
    faults.push({ pointer: `/scope/${second}`, detail });
  }
  return faults;
}

function checkTelling({ to, quietHours, isUrgent, repeatMs, actions }: Checked): RuleFault[] {
  const faults: RuleFault[] = [];
  const fault = quietHours === null ? null : explainQuietHours(quietHours);
  if (fault !== null) {
    faults.push({ pointer: `/quiet_hours/${fault.field}`, detail: fault.detail });
  }
  if (quietHours !== null && isUrgent) {
    const detail = 'What is urgent knows no quiet hours. Leave out one of the two.';
    faults.push({ pointer: '/urgent', detail });
  }
  const isTold = to.sinks.length + to.emails.length > 0;
  if (repeatMs !== null && !isTold) {
    faults.push({
      pointer: '/repeat_seconds',
      detail: 'It tells nobody: nothing can be repeated.',
    });
  }
  if (quietHours !== null && !isTold && actions.length === 0) {
    faults.push({
      pointer: '/quiet_hours',
      detail: 'It tells nobody: nothing is to be held back.',
    });
  }
  return faults;
}

function checkActions({ actions }: Checked, { actions: may, title }: AlertTypeEntry): RuleFault[] {
  const faults: RuleFault[] = [];
  const seen = new Set<string>();
  for (const [index, action] of actions.entries()) {
    const pointer = `/actions/${index}`;
    const key = JSON.stringify(action);
    if (seen.has(key)) faults.push({ pointer, detail: 'It stands there twice.' });
    seen.add(key);
    if (may.includes(action.type)) continue;
    const there = may.length === 0 ? 'It has none.' : `There are: ${may.join(', ')}.`;
    faults.push({ pointer: `${pointer}/type`, detail: `${title} has no such action. ${there}` });
  }
  return faults;
}
