import { z } from 'zod';
import { decodeCursor } from '../../core/cursor.ts';
import { explainMetadata, MAX_TAG_CHARS, MAX_TAGS } from '../../core/mail/message-limits.ts';
import { toTimestamp } from '../../lib/clock.ts';
import { PosthornError } from '../../lib/errors.ts';

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

const SHORT_ADDRESS = 'Write an address, such as user@example.com.';

/** An address, and with `maxLength` a name before it; whether it is one, is seen where it is used. */
export const addressLine = (maxLength = 320): z.ZodString =>
  lineOf(maxLength).min(3, SHORT_ADDRESS);

export const timestampSchema = z.iso.datetime({
  offset: true,
  error: 'Write a time as in RFC 3339, such as 2026-11-21T16:00:00.123Z.',
});

/** Any offset comes in; events say all times in UTC. */
export const utcTimestampSchema = timestampSchema.transform((text) =>
  toTimestamp(Date.parse(text)),
);

export const tagsSchema = z
  .array(lineOf(MAX_TAG_CHARS).min(1))
  .max(MAX_TAGS, `A message has at most ${MAX_TAGS} tags.`)
  .describe('Labels to filter and count by.');

export const metadataSchema = z
  .record(z.string(), z.unknown())
  .superRefine((value, context) => {
    const fault = explainMetadata(value);
    if (fault === null) return;
    const path = fault.key === null ? [] : [fault.key];
    context.addIssue({ code: 'custom', message: fault.detail, path });
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
  pointer = '?cursor',
): string | null {
  if (cursor === undefined) return null;
  const key = decodeCursor(cursor);
  if (key !== null && isKey(key)) return key;
  throw new PosthornError('invalid_cursor', 'Use the next_cursor of the page before, unchanged.', {
    fields: [{ pointer, detail: 'This list did not give it out.' }],
  });
}

/** In an address the domain alone is lower-cased: the local part belongs to the receiving side. */
export function lowerDomain(address: string): string {
  const at = address.lastIndexOf('@');
  return at === -1 ? address : address.slice(0, at) + address.slice(at).toLowerCase();
}
