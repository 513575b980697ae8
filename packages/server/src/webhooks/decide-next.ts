import { nextWebhookRetry } from '../core/retry-schedule.ts';
import type { PostResult } from './post/post-result.ts';

export type NextStep =
  | { kind: 'delivered' }
  | { kind: 'retry'; dueAtMs: number }
  | { kind: 'dead'; disableEndpoint: boolean };

/**
 * 2xx is success. 410 says that nobody listens there any more: the endpoint is disabled and the
 * delivery ends. Anything else, redirects included, is a failure that climbs the ladder.
 */
export function decideNext(input: {
  result: PostResult;
  /** Failures before this attempt. */
  failures: number;
  ladderMs: readonly number[];
  nowMs: number;
  retryAfterMs: number | null;
  random: number;
}): NextStep {
  const { result } = input;
  if (result.errorCode === null) return { kind: 'delivered' };
  if (result.errorCode === 'gone') return { kind: 'dead', disableEndpoint: true };
  const dueAtMs = nextWebhookRetry({ ...input, failures: input.failures + 1 });
  return dueAtMs === null ? { kind: 'dead', disableEndpoint: false } : { kind: 'retry', dueAtMs };
}
