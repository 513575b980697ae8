import { nextWebhookRetry } from '../core/retry-schedule.ts';

/** What a post came to. Codes are the list in docs/webhooks.md. */
export interface PostResult {
  /** The HTTP status, if an answer came. */
  status: number | null;
  /** Null for a success. */
  errorCode: PostErrorCode | null;
  errorDetail: string | null;
  /** The value of Retry-After as it came. */
  retryAfter: string | null;
  /** The first bytes of the answer's body as text; null when it had none. */
  responseExcerpt: string | null;
  latencyMs: number;
}

export type PostErrorCode =
  | 'dns_not_found'
  | 'dns_error'
  | 'address_not_allowed'
  | 'connection_refused'
  | 'connection_reset'
  | 'connection_closed'
  | 'host_unreachable'
  | 'tls_error'
  | 'timeout'
  | 'redirect'
  | 'gone'
  | 'http_status'
  | 'invalid_response'
  | 'aborted';

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
