import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import type { AlertReading, AlertRule, AlertSubject } from '../core/alerts/alert-rule.ts';
import { entryOf } from '../core/alerts/alert-types.ts';
import { plural, sayAge } from '../core/alerts/say-numbers.ts';
import { sayReading } from '../core/alerts/say-rule.ts';
import { type PastFiring, simulateRule } from '../core/alerts/simulate-rule.ts';
import { bucketStart, GRAIN_MS, OTHER_VALUE, oldestKept } from '../core/stats/counts.ts';
import { type StatsTotals, toTotals } from '../core/stats/totals.ts';
import { filterOf, readTotals, toDrop, volumeOf, WEEK_MS, WEEKS } from './read-numbers.ts';
import type { AlertSight, SumFilter, SumWindow } from './sight.ts';

export type PastRule = Omit<AlertRule, 'id' | 'name' | 'version' | 'createdAtMs' | 'updatedAtMs'>;

export interface Past {
  /** Null: nothing is kept of what such a rule looks at. */
  basis: 'statistics' | 'events' | null;
  sinceMs: number;
  untilMs: number;
  /** The newest first. */
  firings: PastFiring[];
  /** "Would have fired 3 times in the last 7 days: ..." */
  sentence: string;
}

export interface PastDeps {
  sums: AlertSight['sums'];
  /** The oldest first. `isWhole` is false where there was too much in between to look at all of it. */
  eventsSince(query: {
    projectId: string;
    types: readonly EventType[];
    sinceMs: number;
  }): Promise<{ events: CanonicalEvent[]; isWhole: boolean }>;
  createdAtMs(projectId: string): number;
}

/** Of receiving domains those with most mail put off: each has a series of its own. */
const MAX_DOMAINS = 20;
const DAY_MS = 86_400_000;

/** What a rule would have done in the last days, by what is still known of them. Changes nothing. */
export async function testOnPast(
  deps: PastDeps,
  rule: PastRule,
  { days, nowMs }: { days: number; nowMs: number },
): Promise<Past> {
  const { past: basis } = entryOf(rule.type);
  const sinceMs = nowMs - days * DAY_MS;
  const span = { basis, sinceMs, untilMs: nowMs };
  const inDays = days === 1 ? 'in the last day' : `in the last ${days} days`;
  if (basis === null) {
    const sentence = 'Nothing is kept of how it was: only what is so now can be shown.';
    return { ...span, firings: [], sentence };
  }
  if (basis === 'events') {
    const found = await fromEvents(deps, rule, { sinceMs, nowMs });
    const firings = found.firings.toReversed();
    return { ...span, firings, sentence: say(firings, found.isWhole) };
  }
  const steps = await stepsOf(deps, rule, { sinceMs, nowMs });
  const firings = simulateRule(rule, steps).toReversed();
  return { ...span, firings, sentence: say(firings, true) };

  function say(found: readonly PastFiring[], isWhole: boolean): string {
    const rest = isWhole ? '' : ' The log was too long to look through all of it.';
    const [latest] = found;
    if (latest === undefined) return `Would not have fired ${inDays}.${rest}`;
    const times = found.length === 1 ? 'once' : plural(found.length, 'time');
    const ago = sayAge((nowMs - latest.firedAtMs) / 1_000);
    const said = sayReading(rule, latest.reading);
    return `Would have fired ${times} ${inDays}, the last time ${ago} ago: ${said}${rest}`;
  }
}

type Step = { atMs: number; readings: AlertReading[] };
type Span = { sinceMs: number; nowMs: number };

/** By the minute where that is kept for all of it, by the hour otherwise. */
async function stepsOf(deps: PastDeps, rule: PastRule, span: Span): Promise<Step[]> {
  const { sinceMs, nowMs } = span;
  const windowMs = rule.windowMs ?? GRAIN_MS.hour;
  if (rule.type === 'volume_drop') return dropSteps(deps, rule, { ...span, windowMs });
  const isFine = sinceMs - windowMs >= oldestKept('minute', nowMs);
  const grain = isFine ? 'minute' : 'hour';
  const window = { grain, fromMs: bucketStart(grain, sinceMs - windowMs), toMs: nowMs } as const;
  const filter = filterOf(rule);
  if (rule.type !== 'destination_deferring') {
    return rateSteps(deps, rule, { filter, window, windowMs, sinceMs, subject: null });
  }
  const wide = { ...filter, dimension: 'receiving_domain' } as const;
  const groups = await deps.sums.groups(wide, { ...window, grain: 'hour' }, 'value');
  const most = groups
    .filter(({ value, totals }) => value !== OTHER_VALUE && totals.deferred > 0)
    .toSorted((a, b) => b.totals.deferred - a.totals.deferred)
    .slice(0, MAX_DOMAINS);
  const all: Step[] = [];
  for (const { value } of most) {
    const subject = { kind: 'receiving_domain', id: value, name: value } as const;
    const one = { filter: { ...wide, value }, window, windowMs, sinceMs, subject };
    all.push(...(await rateSteps(deps, rule, one)));
  }
  return all.sort((a, b) => a.atMs - b.atMs);
}

/** At the end of each bucket: what a window that ends there counts. */
async function rateSteps(
  deps: PastDeps,
  rule: PastRule,
  about: {
    filter: SumFilter;
    window: SumWindow;
    windowMs: number;
    sinceMs: number;
    subject: AlertSubject | null;
  },
): Promise<Step[]> {
  const { filter, window, subject } = about;
  const series = await deps.sums.series(filter, window);
  const sizeMs = GRAIN_MS[window.grain];
  const buckets = Math.max(1, Math.ceil(about.windowMs / sizeMs));
  const running = toTotals(new Map());
  const steps: Step[] = [];
  for (const [index, { atMs, totals }] of series.entries()) {
    add(running, totals, 1);
    const gone = series[index - buckets];
    if (gone !== undefined) add(running, gone.totals, -1);
    const endMs = Math.min(atMs + sizeMs, window.toMs);
    if (endMs <= about.sinceMs) continue;
    steps.push({ atMs: endMs, readings: [{ subject, ...readTotals(rule, running) }] });
  }
  return steps;
}

async function dropSteps(
  deps: PastDeps,
  rule: PastRule,
  { sinceMs, nowMs, windowMs }: Span & { windowMs: number },
): Promise<Step[]> {
  const hours = Math.max(1, Math.ceil(windowMs / GRAIN_MS.hour));
  const wantedMs = sinceMs - WEEKS * WEEK_MS - hours * GRAIN_MS.hour;
  const fromMs = bucketStart('hour', Math.max(wantedMs, oldestKept('hour', nowMs)));
  const window: SumWindow = { grain: 'hour', fromMs, toMs: bucketStart('hour', nowMs) };
  const series = await deps.sums.series(filterOf(rule), window);
  const sums = [0];
  for (const { totals } of series) sums.push((sums.at(-1) ?? 0) + volumeOf(totals));
  const bornMs = deps.createdAtMs(rule.projectId);
  const week = WEEK_MS / GRAIN_MS.hour;
  /** Null where it is not known, or before there was the project. */
  const volumeUntil = (end: number): number | null => {
    const start = end - hours;
    if (start < 0 || fromMs + start * GRAIN_MS.hour < bornMs) return null;
    return (sums[end] ?? 0) - (sums[start] ?? 0);
  };
  return series.flatMap((_, index): Step[] => {
    const end = index + 1;
    const atMs = fromMs + end * GRAIN_MS.hour;
    const current = volumeUntil(end);
    if (atMs <= sinceMs || current === null) return [];
    const before = Array.from({ length: WEEKS }, (_, k) => volumeUntil(end - (k + 1) * week));
    const known = before.filter((volume) => volume !== null);
    return [{ atMs, readings: [toDrop(rule, current, known)] }];
  });
}

/** Of what rates are made of; the rest of the totals stays as it is. */
function add(
  sum: StatsTotals,
  { delivered, bounced, complained, deferred }: StatsTotals,
  sign: 1 | -1,
) {
  sum.delivered += sign * delivered;
  sum.bounced.total += sign * bounced.total;
  sum.complained += sign * complained;
  sum.deferred += sign * deferred;
}

interface Told {
  /** The same for what began and what ended it. */
  key: string;
  subject: AlertSubject;
  value: number;
  volume: number | null;
  part: number | null;
  /** When it was at the threshold, of what grows with time. */
  reachedAtMs: number;
  /** When it ends by itself; null: when that is told. */
  endsAtMs: number | null;
  isOver: boolean;
}

/** What was told when it happened is in the log. */
async function fromEvents(
  deps: PastDeps,
  rule: PastRule,
  { sinceMs, nowMs }: Span,
): Promise<{ firings: PastFiring[]; isWhole: boolean }> {
  const { projectId, scope, threshold } = rule;
  const types = TYPES_OF[rule.type] ?? [];
  const { events, isWhole } = await deps.eventsSince({ projectId, types, sinceMs });
  const firings = new Map<string, PastFiring>();
  const ended: PastFiring[] = [];
  const wanted = scope.source ?? scope.domain;
  for (const event of events) {
    const told = readEvent(event, threshold);
    if (told === null || (wanted !== undefined && wanted !== told.subject.id)) continue;
    const { key, subject, value, volume, part, endsAtMs } = told;
    const known = firings.get(key);
    if (told.isOver && known !== undefined) {
      known.resolvedAtMs = Date.parse(event.timestamp);
      firings.delete(key);
      ended.push(known);
    } else if (!told.isOver && known === undefined && value >= (threshold ?? 0)) {
      const reading = { subject, value, volume, part, threshold: threshold ?? value };
      const resolvedAtMs = endsAtMs !== null && endsAtMs <= nowMs ? endsAtMs : null;
      firings.set(key, { subject, firedAtMs: told.reachedAtMs, resolvedAtMs, reading });
    }
  }
  const all = [...ended, ...firings.values()]
    .filter(({ firedAtMs, resolvedAtMs }) => firedAtMs <= (resolvedAtMs ?? nowMs))
    .sort((a, b) => a.firedAtMs - b.firedAtMs);
  return { firings: all, isWhole };
}

const TYPES_OF: Partial<Record<AlertRule['type'], readonly EventType[]>> = {
  source_silent: ['source.stalled', 'source.recovered'],
  send_limit: ['account.send_limit_approaching', 'account.send_limit_exceeded'],
  domain_dns: ['domain.dns_error', 'domain.dns_recovered'],
};

function readEvent(
  { type, timestamp, data }: CanonicalEvent,
  threshold: number | null,
): Told | null {
  const isOver = type.endsWith('recovered');
  const atMs = Date.parse(timestamp);
  const plain = { volume: null, part: null, reachedAtMs: atMs, endsAtMs: null, isOver };
  const { stalled, send_limit: limit, domain } = data;
  if (stalled !== undefined) {
    const { source_id: id, name, silent_seconds: silent } = stalled;
    const subject = { kind: 'source', id, name: name ?? id } as const;
    const beganAtMs = atMs - (silent ?? 0) * 1_000;
    const reachedAtMs = Math.max(atMs, beganAtMs + (threshold ?? 0) * 1_000);
    const value = Math.max(silent ?? 0, threshold ?? 0);
    return { ...plain, key: id, subject, value, reachedAtMs };
  }
  if (limit !== undefined) {
    const { period, used, limit: volume, resets_at: resetsAt } = limit;
    const subject = { kind: 'send_limit', id: period, name: `the ${period}` } as const;
    // Refused is what would have exceeded it: the limit is reached, even where a little is left.
    const isReached = type === 'account.send_limit_exceeded' || volume === 0;
    const value = isReached ? 1 : Math.min(used / volume, 1);
    const endsAtMs = resetsAt == null ? null : Date.parse(resetsAt);
    return { ...plain, key: `${period} ${resetsAt}`, subject, value, volume, part: used, endsAtMs };
  }
  if (domain === undefined) return null;
  const { name } = domain;
  const bad = domain.records.filter(({ status }) => status === 'missing' || status === 'wrong');
  const subject = { kind: 'domain', id: name, name } as const;
  return { ...plain, key: name, subject, value: Math.max(bad.length, 1) };
}
