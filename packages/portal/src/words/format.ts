import type { Words } from './en.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span of ms in its largest unit: "12 s", "3 min", "2 days". */
export function formatSpan(ms: number, { time }: Words): string {
  if (ms < SECOND) return time.milliseconds(Math.round(ms));
  if (ms < MINUTE) return time.seconds(Math.round(ms / SECOND));
  if (ms < HOUR) return time.minutes(Math.round(ms / MINUTE));
  if (ms < 2 * DAY) return time.hours(Math.round(ms / HOUR));
  return time.days(Math.round(ms / DAY));
}

/** "3 min ago", "in 40 s", "now". */
export function formatRelative(atMs: number, nowMs: number, words: Words): string {
  const span = Math.abs(nowMs - atMs);
  if (span < SECOND) return words.time.now;
  const text = formatSpan(span, words);
  return atMs > nowMs ? words.time.in(text) : words.time.ago(text);
}

export function formatCount(count: number, language: string): string {
  return new Intl.NumberFormat(language).format(count);
}

/** In kB of 1,000 bytes, as mail servers count. */
export function formatBytes(bytes: number, language: string): string {
  const format = (value: number, unit: string) =>
    `${new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(value)} ${unit}`;
  if (bytes < 1_000) return format(bytes, 'B');
  return bytes < 1_000_000 ? format(bytes / 1_000, 'kB') : format(bytes / 1_000_000, 'MB');
}

/** A part of one as a percentage; a dash where there is nothing to share. */
export function formatShare(share: number | null, language: string): string {
  if (share === null) return '–';
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 2 }).format(
    share,
  );
}
