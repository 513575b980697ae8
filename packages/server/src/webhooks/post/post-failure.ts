import type { PostErrorCode } from './post-errors.ts';

/** A failure whose code is known where it happens; the others are read off in explain-error.ts. */
export class PostFailure extends Error {
  /** Not `code`: undici looks at that one, and tries some of its own again without end. */
  readonly errorCode: PostErrorCode;

  constructor(errorCode: PostErrorCode, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}
