export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** When nobody wants to be told of what can wait. */
export interface QuietHours {
  /** An IANA name: `Europe/Berlin`. */
  timeZone: string;
  /** `22:00`, by the clocks there. */
  from: string;
  /** `07:00`, on the next day where it is not after `from`; `24:00` is midnight. */
  to: string;
  /** On which days it begins. */
  days: readonly Weekday[];
}

/** As `Intl` may say anything. */
const DAY_NAMES: readonly string[] = WEEKDAYS;
const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
/** Zones lie up to so far from the one before the clocks are changed. */
const SHIFT_MINUTES = 180;

/**
 * When the quiet hours that this moment lies in are over, ms; null when it lies in none. By the clocks of the
 * zone: a night in which they are changed is an hour shorter or longer. Where the end falls into the hour that is
 * skipped, it is the first moment after it; of an hour that comes twice, the first.
 */
export function quietUntil(quiet: QuietHours, nowMs: number): number | null {
  const wall = createWallClock(quiet.timeZone);
  if (!isQuiet(quiet, wall(nowMs))) return null;
  const end = minuteOf(quiet.to) % DAY_MINUTES;
  let atMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  // One span may begin where another ends, each day of a week.
  for (let spans = 0; spans <= WEEKDAYS.length; spans++) {
    const left = (end - wall(atMs).minute + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
    let untilMs = Math.max(atMs + MINUTE_MS, atMs + (left - SHIFT_MINUTES) * MINUTE_MS);
    const lastMs = atMs + (left + SHIFT_MINUTES) * MINUTE_MS;
    while (untilMs < lastMs && isQuiet(quiet, wall(untilMs))) untilMs += MINUTE_MS;
    if (!isQuiet(quiet, wall(untilMs))) return untilMs;
    atMs = untilMs;
  }
  return atMs;
}

/** What is wrong with them, and where; null when nothing is. */
export function explainQuietHours(
  quiet: QuietHours,
): { field: 'time_zone' | 'from' | 'to' | 'days'; detail: string } | null {
  if (!isTimeZone(quiet.timeZone)) {
    const detail = `${JSON.stringify(quiet.timeZone)} is no time zone. Use a name such as Europe/Berlin or UTC.`;
    return { field: 'time_zone', detail };
  }
  if (quiet.from === quiet.to) {
    const detail = 'They would end when they begin. For whole days write from 00:00 to 24:00.';
    return { field: 'to', detail };
  }
  if (quiet.days.length === 0) return { field: 'days', detail: 'Name at least one day.' };
  const isWholeDay = quiet.from === '00:00' && quiet.to === '24:00';
  if (isWholeDay && new Set(quiet.days).size === WEEKDAYS.length) {
    const detail =
      'They would never end, and nothing would ever be told. Leave out a day, or disable the rule.';
    return { field: 'days', detail };
  }
  return null;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

interface WallTime {
  /** Of the day, from 0. */
  minute: number;
  /** Of WEEKDAYS. */
  day: number;
}

function createWallClock(timeZone: string): (atMs: number) => WallTime {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
  return (atMs) => {
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
    const day = DAY_NAMES.indexOf(parts.get('weekday')?.toLowerCase() ?? '');
    return { minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')), day };
  };
}

function isQuiet(quiet: QuietHours, { minute, day }: WallTime): boolean {
  const from = minuteOf(quiet.from);
  const to = minuteOf(quiet.to);
  const begins = (which: number): boolean => {
    const name = WEEKDAYS[(which + WEEKDAYS.length) % WEEKDAYS.length];
    return name !== undefined && quiet.days.includes(name);
  };
  if (from < to) return minute >= from && minute < to && begins(day);
  return (minute >= from && begins(day)) || (minute < to && begins(day - 1));
}

/** `07:30` is 450. */
function minuteOf(time: string): number {
  const [hours, minutes] = time.split(':');
  return Number(hours) * 60 + Number(minutes);
}
