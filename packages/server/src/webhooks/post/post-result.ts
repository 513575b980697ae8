import type { PostErrorCode } from './post-errors.ts';

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
  /** Name, value, name, value ... as they came, at most 8 kB; null when no answer came. */
  responseHeaders: string[] | null;
  /** Null when nothing was sent. */
  timing: PostTiming | null;
  latencyMs: number;
}

/** Where the time went. A phase is null where it did not happen, as on a kept connection. */
export interface PostTiming {
  /** Looking the name up. */
  dnsMs: number | null;
  connectMs: number | null;
  tlsMs: number | null;
  /** From the request's being written to the first bytes of the answer. */
  firstByteMs: number | null;
  /** The address at the other end, which is the proxy's where there is one. */
  remoteAddress: string | null;
  /** The connection had carried a post before. */
  reused: boolean;
}
