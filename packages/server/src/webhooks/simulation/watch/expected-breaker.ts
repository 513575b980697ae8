import { POST_ERRORS } from '../../post/post-errors.ts';
import type { PostResult } from '../../post/post-result.ts';

/**
 * The breaker as docs/webhooks.md tells of it, written a second time so that breaker.ts has somebody
 * to differ from: after ten failures in a row one probe at a time, 10 s to 5 min apart give or take
 * 20%; after a success at most 10 events a second, doubled every 5 s for 40 s. A 410 is as good as ten.
 */
export interface ExpectedBreaker {
  state: 'closed' | 'open' | 'recovering';
  failuresInRow: number;
  /** The next probe starts at a time between these, on the machine's clock. */
  probe: { earliestMs: number; latestMs: number; setElapsedMs: number };
  probesUnderWay: number;
  /** Intervals between probes so far. */
  intervals: number;
  recoveringSinceMs: number;
  /** Events started since then. */
  startedSince: number;
  /** When the latest of them have had their share of the rate. */
  pacedUntilMs: number;
}

const OPENS_AFTER = 10;
const LONGEST_INTERVAL_MS = 300_000;
const RECOVERY_MS = 40_000;

export function createExpectedBreaker(): ExpectedBreaker {
  return {
    state: 'closed',
    failuresInRow: 0,
    probe: { earliestMs: 0, latestMs: 0, setElapsedMs: 0 },
    probesUnderWay: 0,
    intervals: 0,
    recoveringSinceMs: 0,
    startedSince: 0,
    pacedUntilMs: 0,
  };
}

/** A post starts. Returns whether it is a probe. */
export function expectStart(breaker: ExpectedBreaker, events: number, nowMs: number): boolean {
  if (breaker.state === 'recovering') {
    if (nowMs - breaker.recoveringSinceMs >= RECOVERY_MS) breaker.state = 'closed';
    else pace(breaker, events, nowMs);
  }
  if (breaker.state !== 'open') return false;
  breaker.probesUnderWay += 1;
  return true;
}

function pace(breaker: ExpectedBreaker, events: number, nowMs: number): void {
  const steps = Math.max(0, Math.floor((nowMs - breaker.recoveringSinceMs) / 5_000));
  const shareMs = (events * 1_000) / (10 * 2 ** steps);
  breaker.startedSince += events;
  breaker.pacedUntilMs = Math.max(breaker.pacedUntilMs, nowMs) + shareMs;
}

export function expectResult(
  breaker: ExpectedBreaker,
  result: Pick<PostResult, 'errorCode'>,
  at: { nowMs: number; elapsedMs: number; wasProbe: boolean },
): void {
  const { errorCode } = result;
  if (errorCode === null) {
    succeed(breaker, at.nowMs);
    return;
  }
  const isOurs = POST_ERRORS[errorCode].fault === 'ours';
  if (!isOurs) breaker.failuresInRow += 1;
  if (breaker.state === 'open') {
    if (at.wasProbe) setProbe(breaker, at);
  } else if (errorCode === 'gone' || (breaker.failuresInRow >= OPENS_AFTER && !isOurs)) {
    Object.assign(breaker, { state: 'open', intervals: 0 });
    setProbe(breaker, at);
  }
}

function succeed(breaker: ExpectedBreaker, nowMs: number): void {
  breaker.failuresInRow = 0;
  if (breaker.state !== 'open') return;
  Object.assign(breaker, { state: 'recovering', startedSince: 0 });
  breaker.recoveringSinceMs = nowMs;
  breaker.pacedUntilMs = nowMs;
}

function setProbe(breaker: ExpectedBreaker, at: { nowMs: number; elapsedMs: number }): void {
  const intervalMs = Math.min(10_000 * 2 ** Math.min(breaker.intervals, 9), LONGEST_INTERVAL_MS);
  breaker.intervals += 1;
  breaker.probe = {
    earliestMs: at.nowMs + 0.8 * intervalMs - 1,
    latestMs: at.nowMs + 1.2 * intervalMs + 1,
    setElapsedMs: at.elapsedMs,
  };
}

/** Timers may run early by this much, ms. */
const SLACK_MS = 50;

/** How many events may have started by then, after the success that ended an outage. */
export function recoveryAllowance(breaker: ExpectedBreaker, nowMs: number): number {
  const sinceMs = nowMs + SLACK_MS - breaker.recoveringSinceMs;
  let allowed = 1;
  for (let stepMs = 0, perSecond = 10; stepMs < sinceMs; stepMs += 5_000, perSecond *= 2) {
    allowed += (perSecond * Math.min(5_000, sinceMs - stepMs)) / 1_000;
  }
  return allowed;
}
