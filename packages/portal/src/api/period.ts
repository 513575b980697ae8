const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MINUTE_MS = 60_000;

/** How far back each looks, ms. */
export const PERIOD_MS = {
  hour: HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 30 * DAY_MS,
  quarter: 90 * DAY_MS,
  year: 365 * DAY_MS,
} as const;

export type Period = keyof typeof PERIOD_MS;

/** A time as it stands in the address of a page. */
export interface PeriodFilters {
  /** One of PERIOD_MS, or `own`: between `since` and `until`. */
  period?: string;
  /** Times of where one is, as fields of a form have them: 2026-11-22T09:30. */
  since?: string;
  until?: string;
}

export function isPeriod(text: string | undefined): text is Period {
  return text !== undefined && Object.hasOwn(PERIOD_MS, text);
}

/** What the API is asked. A period begins at a full minute, so that one list is read for one period. */
export function toRange(
  { period, since, until }: PeriodFilters,
  nowMs: number,
): { since?: string; until?: string } {
  if (period === 'own') return { ...toTime('since', since), ...toTime('until', until) };
  if (!isPeriod(period)) return {};
  const minute = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  return { since: new Date(minute - PERIOD_MS[period]).toISOString() };
}

function toTime<const K extends string>(name: K, text = ''): { [name in K]?: string } {
  const ms = Date.parse(text);
  const time: { [name in K]?: string } = {};
  if (!Number.isNaN(ms)) time[name] = new Date(ms).toISOString();
  return time;
}

/** Between two times, as it stands in the address. */
export function toOwnPeriod(from: string, to: string): Required<PeriodFilters> {
  return { period: 'own', since: toField(Date.parse(from)), until: toField(Date.parse(to)) };
}

function toField(ms: number): string {
  const zoneMs = new Date(ms).getTimezoneOffset() * MINUTE_MS;
  return new Date(ms - zoneMs).toISOString().slice(0, '2026-11-22T09:30'.length);
}
