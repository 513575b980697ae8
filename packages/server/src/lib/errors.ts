/**
 * Every error that a user can meet, by its stable code. The HTTP side turns one into an RFC 9457
 * problem (`type` is the code's page in the docs), the SMTP side into a reply.
 */
const CATALOGUE = {
  bad_request: { status: 400, title: 'The request could not be read' },
  malformed_json: { status: 400, title: 'The body is not valid JSON' },
  invalid_field: { status: 422, title: 'A field has a value that it cannot have' },
  invalid_cursor: { status: 400, title: 'The cursor is not one that this list gave out' },
  invalid_idempotency_key: { status: 400, title: 'The Idempotency-Key cannot be used' },
  missing_key: { status: 401, title: 'An API key is needed' },
  wrong_key: { status: 401, title: 'The API key is not known' },
  expired_key: { status: 401, title: 'The API key has expired' },
  signed_out: { status: 401, title: 'Nobody has signed in' },
  no_owner: { status: 401, title: 'The server has no user yet' },
  wrong_sign_in: { status: 401, title: 'Email or password is wrong' },
  totp_required: { status: 401, title: 'A code of the second factor is needed' },
  wrong_totp: { status: 401, title: 'The code of the second factor is wrong' },
  invitation_gone: { status: 404, title: 'The invitation is not valid any more' },
  csrf: { status: 403, title: 'The request does not come from the portal' },
  missing_role: { status: 403, title: 'The role of the user may not do this' },
  missing_scope: { status: 403, title: 'The API key may not do this' },
  unverified_domain: { status: 403, title: 'The domain of the sender is not verified' },
  not_found: { status: 404, title: 'There is no such thing here' },
  body_gone: { status: 410, title: 'The bytes are not kept any more' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  method_not_allowed: { status: 405, title: 'This method does not work here' },
  conflict: { status: 409, title: 'The request collides with what is already there' },
  endpoint_limit_reached: { status: 409, title: 'The project has all the endpoints it may have' },
  idempotency_mismatch: {
    status: 422,
    title: 'The Idempotency-Key was used before with another request',
  },
  precondition_failed: { status: 412, title: 'It has changed since it was read' },
  nothing_found: { status: 422, title: 'There is nothing to do it with' },
  too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'The content type is not understood' },
  rate_limited: { status: 429, title: 'Too many requests' },
  send_limit_reached: { status: 429, title: 'The project has sent as much as it may' },
  webhook_refused: { status: 401, title: 'The webhook does not prove where it comes from' },
  invalid_webhook: { status: 400, title: 'The webhook is not one of its provider' },
  internal: { status: 500, title: 'Posthorn failed inside' },
  store_unavailable: { status: 503, title: 'The store does not take work at the moment' },
  shutting_down: { status: 503, title: 'This process is stopping' },
} as const;

export type ErrorCode = keyof typeof CATALOGUE;

export interface FieldError {
  /** JSON pointer into the body, or the name of a query parameter or header. */
  pointer: string;
  detail: string;
}

export class PosthornError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly title: string;
  readonly fields: readonly FieldError[];
  /** Seconds after which trying again makes sense. */
  readonly retryAfterSeconds: number | null;

  constructor(
    code: ErrorCode,
    detail: string,
    options: {
      cause?: unknown;
      fields?: readonly FieldError[];
      retryAfterSeconds?: number;
      /** Where whoever asks goes by another status than the code has: providers of webhooks. */
      status?: number;
    } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PosthornError';
    this.code = code;
    this.status = options.status ?? CATALOGUE[code].status;
    this.title = CATALOGUE[code].title;
    this.fields = options.fields ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}

export const ERROR_CODES = Object.keys(CATALOGUE) as ErrorCode[];

export function describeErrorCode(code: ErrorCode): { status: number; title: string } {
  return CATALOGUE[code];
}

/** What a log line or an answer may say of something thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
