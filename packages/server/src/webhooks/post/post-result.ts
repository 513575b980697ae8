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
  /** The first bytes of the answer's body as text, or a note where it is none; null when it is empty. */
  responseExcerpt: string | null;
  /** Name (lower case), value, name, value ... in their order, at most 8 kB; null without an answer. */
  responseHeaders: string[] | null;
  /** Null when nothing was dialled. */
  timing: PostTiming | null;
  latencyMs: number;
}

/** Where the time went. A phase is null where it did not come to its end, or on a kept connection. */
export interface PostTiming {
  /** Looking the name up. */
  dnsMs: number | null;
  /** Behind a proxy: until it has opened the tunnel. */
  connectMs: number | null;
  tlsMs: number | null;
  /** From writing the request to the first byte of an answer, an informational one (1xx) included. */
  firstByteMs: number | null;
  /** The address at the other end, which is the proxy's where there is one. */
  remoteAddress: string | null;
  /** The connection had carried a post before. */
  reused: boolean;
}

/** The result of a post for which nothing was dialled. */
export function unsent(errorCode: PostErrorCode, errorDetail: string): PostResult {
  return {
    status: null,
    errorCode,
    errorDetail,
    retryAfter: null,
    responseExcerpt: null,
    responseHeaders: null,
    timing: null,
    latencyMs: 0,
  };
}
