import { parseRetryAfter } from '../../../core/retry-schedule.ts';
import { POST_ERRORS } from '../../post/post-errors.ts';
import type { PostResult } from '../../post/post-result.ts';
import type { ExpectedBreaker } from './expected-breaker.ts';

/** What may follow from an attempt. */
export type ExpectedStep =
  | { kind: 'delivered' }
  | { kind: 'dead'; isGone: boolean }
  | {
      kind: 'retry';
      earliestMs: number;
      latestMs: number;
      counts: boolean;
      /** The rung that decided it alone, so that the jitter can be seen; else null. */
      rungMs: number | null;
    };

/**
 * The rules of retries (docs/webhooks.md), written a second time as bounds, so that decide-next.ts has
 * something to be held against.
 */
export function expectStep(input: {
  result: PostResult;
  /** Before this one, and how many of them its ladder counts. */
  attempts: number;
  failures: number;
  ladderMs: readonly number[];
  endedMs: number;
  /** As it is after this result. */
  breaker: ExpectedBreaker;
  wasProbe: boolean;
}): ExpectedStep {
  const { result, failures, ladderMs, endedMs, breaker } = input;
  const { errorCode } = result;
  if (errorCode === null) return { kind: 'delivered' };
  if (errorCode === 'gone') return { kind: 'dead', isGone: true };
  if (POST_ERRORS[errorCode].fault === 'ours') {
    const steadyMs = Math.min(30_000 * 2 ** (input.attempts - failures), 3_600_000);
    return retryWithin(endedMs, 0.8 * steadyMs, 1.2 * steadyMs);
  }
  if (input.wasProbe && breaker.state === 'open') {
    const { earliestMs, latestMs } = breaker.probe;
    return { kind: 'retry', earliestMs, latestMs, counts: false, rungMs: null };
  }
  const rungMs = ladderMs[failures];
  if (rungMs === undefined) return { kind: 'dead', isGone: false };
  const isOverload = errorCode === 'timeout' || result.status === 429;
  const longestMs = Math.max(3_600_000, ...ladderMs);
  const askedMs = Math.min(parseRetryAfter(result.retryAfter, endedMs) ?? 0, longestMs);
  const leastMs = Math.max(isOverload ? 60_000 : 0, askedMs);
  const mostMs = Math.max(isOverload ? 72_000 : 0, askedMs, 1.2 * rungMs);
  const step = retryWithin(endedMs, Math.max(0.8 * rungMs, leastMs), mostMs);
  return { ...step, counts: true, rungMs: leastMs < 0.8 * rungMs ? rungMs : null };
}

function retryWithin(nowMs: number, leastMs: number, mostMs: number) {
  const [earliestMs, latestMs] = [nowMs + leastMs - 1, nowMs + mostMs + 1];
  return { kind: 'retry', earliestMs, latestMs, counts: false, rungMs: null } as const;
}
