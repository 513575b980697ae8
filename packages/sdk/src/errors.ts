/** Why a webhook was not accepted. Answer 401 to all of them but `invalid_payload` (400). */
export type WebhookErrorCode =
  | 'missing_header'
  | 'invalid_timestamp'
  | 'timestamp_too_old'
  | 'timestamp_too_new'
  | 'no_matching_signature'
  | 'invalid_secret'
  | 'invalid_payload';

export class WebhookError extends Error {
  readonly code: WebhookErrorCode;
  constructor(code: WebhookErrorCode, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = 'WebhookError';
    this.code = code;
  }
}
