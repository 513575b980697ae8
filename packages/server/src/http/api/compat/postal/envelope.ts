import { type ErrorCode, PosthornError } from '../../../../lib/errors.ts';
import type { RouteAnswer } from '../../../route.ts';

/**
 * How Postal answers (its API v1): 200 whatever comes, and `status` says how it went. Only where a
 * client has to come again we say so by the status of HTTP too, as its own proxies would.
 */

/** A refusal in Postal's words, such as `NoRecipients`, inside an error of ours. */
class PostalRefusal extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export function refuse(code: string, message: string): never {
  const cause = new PostalRefusal(code, message);
  throw new PosthornError('invalid_field', message, { cause });
}

/** A parameter that is missing or cannot be read. */
export function refuseParameter(message: string): never {
  throw new PosthornError('invalid_field', message);
}

interface Envelope {
  status: 'success' | 'error' | 'parameter-error';
  /** Seconds that it took. */
  time: number;
  flags: object;
  data: unknown;
}

export function answerSuccess(data: unknown, tookMs: number): RouteAnswer {
  return { status: 200, body: wrap('success', data, tookMs) };
}

/** Whatever one of its routes threw. */
export function answerRefusal(error: PosthornError, tookMs: number): RouteAnswer {
  const { cause } = error;
  if (cause instanceof PostalRefusal) {
    const data = { code: cause.code, message: cause.message };
    return { status: 200, body: wrap('error', data, tookMs) };
  }
  const code = CODES[error.code];
  if (code === undefined) {
    return { status: 200, body: wrap('parameter-error', { message: error.message }, tookMs) };
  }
  const isTemporary = error.status === 429 || error.status >= 500;
  const body = wrap('error', { code, message: error.message }, tookMs);
  return { status: isTemporary ? error.status : 200, body };
}

/** Postal's codes, where it has one; the others are in its way of writing them. */
const CODES: Partial<Record<ErrorCode, string>> = {
  missing_key: 'AccessDenied',
  missing_scope: 'AccessDenied',
  wrong_key: 'InvalidServerAPIKey',
  expired_key: 'InvalidServerAPIKey',
  not_found: 'NotFound',
  too_large: 'MessageTooLarge',
  rate_limited: 'RateLimited',
  internal: 'InternalServerError',
  store_unavailable: 'ServiceUnavailable',
  shutting_down: 'ServiceUnavailable',
};

function wrap(status: Envelope['status'], data: unknown, tookMs: number): Envelope {
  return { status, time: Math.round(tookMs) / 1_000, flags: {}, data };
}
