import { JITTER, nextWebhookRetry } from '../core/retry-schedule.ts';
import { POST_ERRORS, type PostErrorCode } from './post/post-errors.ts';
import type { PostResult } from './post/post-result.ts';

export type NextStep =
  | { kind: 'delivered' | 'skipped' }
  /** `counts`: it climbs the ladder by it. */
  | { kind: 'retry'; dueAtMs: number; counts: boolean }
  | { kind: 'dead'; disableEndpoint: boolean };

/**
 * When to try again after a fault of ours, ms: soon, since the endpoint has done nothing to wait for,
 * and doubled each time, since what does not mend itself would fill the record of attempts.
 */
const OUR_FAULT_WAIT_MS = 30_000;
const OUR_FAULT_LONGEST_MS = 3_600_000;

/**
 * An endpoint that says "too many" or takes longer than it may is not helped by a retry seconds
 * later, whatever the first rungs of its ladder are.
 */
const OVERLOAD_FLOOR_MS = 60_000;

/**
 * 2xx is success. 410 says that nobody listens there any more: the endpoint is disabled and the
 * delivery ends. A fault of ours, and a probe of an endpoint whose breaker is open, use up no attempt.
 * What the endpoint's dialect has no word for ends too, and so does what its transformation fails on or
 * makes nothing of, since no try can change that.
 * Anything else, redirects included, is a failure that climbs the ladder.
 */
export function decideNext(input: {
  result: Pick<PostResult, 'status' | 'errorCode'>;
  /** Attempts before this one, and how many of them counted as failures. */
  attempts: number;
  failures: number;
  ladderMs: readonly number[];
  nowMs: number;
  retryAfterMs: number | null;
  random: number;
  /** When the breaker, open by now, lets the next probe go; null when it is not open. */
  probeAtMs: number | null;
  /** The attempt was itself a probe. */
  wasProbe: boolean;
}): NextStep {
  const { result, nowMs } = input;
  if (result.errorCode === null) return { kind: 'delivered' };
  if (result.errorCode === 'gone') return { kind: 'dead', disableEndpoint: true };
  if (result.errorCode === 'transformed_to_nothing') return { kind: 'skipped' };
  if (UNPOSTABLE.has(result.errorCode)) return { kind: 'dead', disableEndpoint: false };
  if (POST_ERRORS[result.errorCode].fault === 'ours') {
    const doublings = Math.min(input.attempts - input.failures, 10);
    const steadyMs = Math.min(OUR_FAULT_WAIT_MS * 2 ** doublings, OUR_FAULT_LONGEST_MS);
    const waitMs = steadyMs * (1 + JITTER * (2 * input.random - 1));
    return { kind: 'retry', dueAtMs: nowMs + Math.round(waitMs), counts: false };
  }
  if (input.wasProbe && input.probeAtMs !== null) {
    return { kind: 'retry', dueAtMs: input.probeAtMs, counts: false };
  }
  const floorMs = isOverload(result) ? OVERLOAD_FLOOR_MS : 0;
  const dueAtMs = nextWebhookRetry({ ...input, failures: input.failures + 1, floorMs });
  return dueAtMs === null
    ? { kind: 'dead', disableEndpoint: false }
    : { kind: 'retry', dueAtMs, counts: true };
}

const UNPOSTABLE: ReadonlySet<PostErrorCode> = new Set(['not_in_dialect', 'transformation_failed']);

function isOverload({ status, errorCode }: Pick<PostResult, 'status' | 'errorCode'>): boolean {
  return errorCode === 'timeout' || status === 429;
}
