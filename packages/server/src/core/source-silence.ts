import type { DailySilence, SourceActivity } from './source.ts';

/**
 * When silence is suspicious. A source that says how often it should talk is held to that. Of any
 * other its own past decides: nights and weekends are in it, so the longest silence of two weeks,
 * twice, is one that it has not shown. Before it has been watched for a week, nothing is known.
 */

const DAY_MS = 86_400_000;
/** A weekend has to be in it. */
const LEARN_MS = 7 * DAY_MS;
const KEPT_DAYS = 14;
const FACTOR = 2;
/** Counters are stored some seconds late, and a provider's own queue may stand still for minutes. */
const SHORTEST_MS = 30 * 60_000;

export interface WatchedSource {
  createdAtMs: number;
  expectEveryMs: number | null;
  activity: Pick<SourceActivity, 'lastEventAtMs' | 'silences'>;
}

/** Longer than this it should not be silent, ms; null where nobody can say. */
export function expectedWithin(source: WatchedSource, nowMs: number): number | null {
  if (source.expectEveryMs !== null) return source.expectEveryMs;
  const { silences, lastEventAtMs } = source.activity;
  const days = recentDays(silences, nowMs);
  const first = days.at(0);
  if (first === undefined || lastEventAtMs === null) return null;
  if (nowMs - first.day * DAY_MS < LEARN_MS) return null;
  const longestMs = Math.max(...days.map((one) => one.longestMs));
  return Math.max(SHORTEST_MS, FACTOR * longestMs);
}

/** How long it has been silent, ms: since its last event, or since it was made. */
export function silentFor(source: WatchedSource, nowMs: number): number {
  return Math.max(0, nowMs - (source.activity.lastEventAtMs ?? source.createdAtMs));
}

/** With a silence that has just ended. The same list when it says nothing new. */
export function noteSilence(
  silences: readonly DailySilence[],
  silenceMs: number,
  nowMs: number,
): readonly DailySilence[] {
  const day = Math.floor(nowMs / DAY_MS);
  const known = silences.find((one) => one.day === day);
  if (known !== undefined && known.longestMs >= silenceMs) return silences;
  const others = recentDays(silences, nowMs).filter((one) => one.day !== day);
  return [...others, { day, longestMs: silenceMs }];
}

function recentDays(silences: readonly DailySilence[], nowMs: number): DailySilence[] {
  const oldest = Math.floor(nowMs / DAY_MS) - KEPT_DAYS;
  return silences.filter((one) => one.day > oldest).toSorted((a, b) => a.day - b.day);
}
