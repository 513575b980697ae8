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
  /** A signature that covers no body was used before, with other events. */
  replayed: 401,
  /** Webhooks are posted; the answer's Allow says what else there is. */
  method_not_allowed: 405,
  /** No receiver stands at this path. */
  no_such_path: 404,
  /** The connection ended before the body did. */
  body_incomplete: 400,
  body_too_large: 413,
  /** Neither JSON nor a form nor text, or compressed. */
  unsupported_media_type: 415,
  /** Ours: something read or parsed the body before, so its bytes are gone. */
  body_already_read: 500,
  /** The inbox does not take the events now. */
  inbox_unavailable: 503,
  /** The provider's subscription could not be confirmed. */
  confirmation_failed: 503,
  /** Ours: what nobody thought of. */
  internal: 500,
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

/**
 * A handler throws this where trying again cannot help: the event goes to the dead letters at once.
 * Any error whose `permanent` is `true` counts as one, so that it need not be of this class.
 */
export class PermanentError extends Error {
  readonly permanent = true;
  constructor(message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = 'PermanentError';
  }
}

export function isPermanent(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'permanent' in error && error.permanent === true
  );
}

/** The text of an error, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
