import type { PostErrorCode } from './post-errors.ts';

/** A failure whose code is known where it happens; the others are read off in explain-error.ts. */
export class PostFailure extends Error {
  /** Not `code`: undici looks at that one, and tries some of its own again without end. */
  readonly errorCode: PostErrorCode;

  constructor(errorCode: PostErrorCode, message: string) {
    // Without a stack: nobody reads it, hundreds may come at once, and it costs as much as the rest.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
    this.errorCode = errorCode;
  }
}
