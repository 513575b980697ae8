/**
 * Decides when to try again. A ladder is a list of waits: after the n-th failure the n-th wait
 * applies; when there is none left, the delivery is dead. A mail queue gives an expiry instead and
 * repeats the last rung until then.
 */

/**
 * Standard Webhooks' recommended schedule: at once, then 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h,
 * 20 h, 24 h (75 h 35 min in all).
 */
export const STANDARD_WEBHOOKS_LADDER_MS: readonly number[] = [
  5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000, 72_000_000, 86_400_000,
];

/**
 * For deferred mail: greylisting usually ends within 5 to 15 minutes, so the first rungs are short;
 * from then on about every 4 hours, as Postfix and ZoneMTA do, until the message expires.
 */
export const MAIL_LADDER_MS: readonly number[] = [
  60_000, 300_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000,
];

/** Proportional, so that what failed together does not come back together. */
export const JITTER = 0.2;

/** Nothing that a receiver says can push a delivery further than the longest rung, or this. */
const RETRY_AFTER_FLOOR_CAP_MS = 3_600_000;

export function nextWebhookRetry(input: {
  ladderMs: readonly number[];
  /** Failed attempts so far, this one included: 1, 2, 3 ... */
  failures: number;
  nowMs: number;
  /** What Retry-After asked for, from now; `null` if it did not. It can only lengthen. */
  retryAfterMs: number | null;
  /** The wait is not shorter than this. */
  floorMs: number;
  /** In [0, 1). */
  random: number;
}): number | null {
  const rungMs = input.ladderMs[input.failures - 1];
  if (rungMs === undefined) return null;
  // Never below the floor, and spread above it all the same.
  const leastMs = input.floorMs * (1 + JITTER * input.random);
  const waitMs = Math.max(withJitter(rungMs, input.random), Math.round(leastMs));
  const capMs = Math.max(RETRY_AFTER_FLOOR_CAP_MS, ...input.ladderMs);
  const askedMs = Math.min(input.retryAfterMs ?? 0, capMs);
  return input.nowMs + Math.max(waitMs, askedMs);
}

export function nextMailRetry(input: {
  ladderMs: readonly number[];
  failures: number;
  nowMs: number;
  expiresAtMs: number;
  random: number;
}): number | null {
  const rungMs = input.ladderMs[Math.min(input.failures, input.ladderMs.length) - 1];
  if (rungMs === undefined || input.nowMs >= input.expiresAtMs) return null;
  // The last try falls on the expiry itself rather than a rung beyond it.
  return Math.min(input.nowMs + withJitter(rungMs, input.random), input.expiresAtMs);
}

function withJitter(waitMs: number, random: number): number {
  return Math.round(waitMs * (1 + JITTER * (2 * random - 1)));
}

/** `Retry-After` (RFC 9110 10.2.3): delay-seconds or an HTTP date -> ms from now; `null` if neither. */
export function parseRetryAfter(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  const text = value.trim();
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1_000;
  if (!/^[A-Za-z]{3,9},? /.test(text)) return null;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
