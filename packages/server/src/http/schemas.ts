import { z } from 'zod';
import { decodeCursor } from '../core/cursor.ts';
import { toTimestamp } from '../lib/clock.ts';
import { PosthornError } from '../lib/errors.ts';

/** Pieces that several routes share. */

export const MAX_PAGE = 100;

/** One line of text: no control characters, so nothing can break out of a header (RFC 5322 2.2). */
export const lineOf = (maxLength: number): z.ZodString =>
  z
    .string()
    .max(maxLength)
    .regex(
      /^[^\u0000-\u0008\u000a-\u001f\u007f]*$/,
      'Line breaks and control characters are not allowed here.',
    );

export const timestampSchema = z.iso.datetime({
  offset: true,
  error: 'Write a time as in RFC 3339, such as 2026-11-21T16:00:00.123Z.',
});

/** Any offset comes in; events say all times in UTC. */
export const utcTimestampSchema = timestampSchema.transform((text) =>
  toTimestamp(Date.parse(text)),
);

export const tagsSchema = z
  .array(lineOf(128).min(1))
  .max(10, 'A message has at most 10 tags.')
  .describe('Labels to filter and count by.');

/** The largest metadata object, as JSON: it travels in every event. */
const MAX_METADATA_CHARS = 4_096;

export const metadataSchema = z
  .record(z.string().min(1).max(64), z.unknown())
  .refine((value) => JSON.stringify(value).length <= MAX_METADATA_CHARS, {
    message: `Metadata may have ${MAX_METADATA_CHARS} characters as JSON.`,
  })
  .describe('Whatever you want to find in every event of the message, verbatim.');

export const idParam = (name: string, what: string) =>
  z.object({ [name]: z.string().max(200).describe(`The id of the ${what}.`) });

export const pageQuery = {
  limit: z.coerce
    .number('limit is a number.')
    .int()
    .min(1)
    .max(MAX_PAGE)
    .default(20)
    .describe(`How many, at most ${MAX_PAGE}.`),
  cursor: z.string().max(500).optional().describe('The next_cursor of the page before.'),
};

export const nextCursorSchema = z
  .string()
  .nullable()
  .describe('Give it as cursor to get the next page; null on the last one.');

/**
 * The sort key inside a cursor; null without one. `isKey` knows the keys of this list, so that the
 * cursor of another one does not lead to a page that makes no sense. Throws `invalid_cursor`.
 */
export function keyOfCursor(
  cursor: string | undefined,
  isKey: (key: string) => boolean,
): string | null {
  if (cursor === undefined) return null;
  const key = decodeCursor(cursor);
  if (key !== null && isKey(key)) return key;
  throw new PosthornError('invalid_cursor', 'Use the next_cursor of the page before, unchanged.', {
    fields: [{ pointer: '?cursor', detail: 'This list did not give it out.' }],
  });
}

/** In an address the domain alone is lower-cased: the local part belongs to the receiving side. */
export function lowerDomain(address: string): string {
  const at = address.lastIndexOf('@');
  return at === -1 ? address : address.slice(0, at) + address.slice(at).toLowerCase();
}
