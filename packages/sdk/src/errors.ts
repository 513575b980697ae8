// A table: why a webhook was not accepted, and what its sender should be answered.
const CATALOGUE = {
  /** A header or field that the signature needs is not there. */
  missing_signature: 401,
  /** No signature matches: other bytes, another secret, or somebody else. */
  bad_signature: 401,
  /** The signed time is no time. */
  invalid_timestamp: 401,
  /** Signed too long ago, or in the future. */
  timestamp_out_of_range: 401,
  /** The key that is to be used is not the provider's. */
  untrusted_key: 401,
  /** A valid message of a topic or account that is not ours. */
  topic_not_allowed: 403,
  /** The body is not what this provider sends. */
  invalid_payload: 400,
  /** Ours: no secret was given to check with. */
  missing_secret: 500,
  /** Ours: a secret or key cannot be read. */
  invalid_secret: 500,
  /** The provider's certificate or public key could not be fetched. Trying again makes sense. */
  key_unavailable: 503,
} as const;

export type WebhookErrorCode = keyof typeof CATALOGUE;

/** `message` says what to do. */
export class WebhookError extends Error {
  readonly code: WebhookErrorCode;
  /** HTTP status for the sender. A provider's answer policy may name another one for a refusal. */
  readonly status: number;
  constructor(code: WebhookErrorCode, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = 'WebhookError';
    this.code = code;
    this.status = CATALOGUE[code];
  }
}
