import { PosthornError } from '../lib/errors.ts';
import { StoreConflict } from '../store/engine.ts';

/**
 * `ETag` and `If-Match` (RFC 9110 8.8.3, 13.1.1) of things that count their changes: the tag of
 * version 3 is `"3"`. Null asks for none in particular.
 */
export type IfMatch = readonly string[] | null;

/** One tag of the list; a weak one (`W/"3"`) is read, and matches nothing. */
const ENTITY_TAG = /^(?:W\/)?"[\x21\x23-\x7e]*"$/;

export function toEntityTag(version: number): string {
  return `"${version}"`;
}

/** Throws `bad_request` for what is no list of tags. */
export function readIfMatch(value: string | undefined): IfMatch {
  if (value === undefined || value.trim() === '*') return null;
  const tags = value.split(',').map((tag) => tag.trim());
  if (tags.every((tag) => ENTITY_TAG.test(tag))) return tags;
  throw new PosthornError(
    'bad_request',
    'Write If-Match as the ETag was given, with its quotes: "3".',
  );
}

/** Throws `precondition_failed` when the caller knows another version. */
export function checkVersion(ifMatch: IfMatch, version: number): void {
  if (ifMatch === null || ifMatch.includes(toEntityTag(version))) return;
  throw new PosthornError(
    'precondition_failed',
    `This is version ${version} by now, and If-Match asks for ${ifMatch.join(', ')}. Read it again, then decide.`,
  );
}

/** What to throw of a change that has failed: a collision is told to whoever asked for a version. */
export function explainConflict(error: unknown, ifMatch: IfMatch): unknown {
  if (!(error instanceof StoreConflict) || ifMatch === null) return error;
  const detail = 'Somebody has changed it a moment ago. Read it again, then decide.';
  return new PosthornError('precondition_failed', detail, { cause: error });
}
