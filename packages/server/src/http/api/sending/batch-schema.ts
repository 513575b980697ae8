import { z } from 'zod';
import { isMergeName, MAX_MERGE_NAME_CHARS } from '../../../core/mail/merge-fields.ts';
import {
  acceptedFields,
  contentFields,
  hasContent,
  NO_CONTENT,
  recipientFields,
  webhooksSchema,
} from '../messages/message-schema.ts';
import { metadataSchema } from '../schemas.ts';

/** The bodies of /v1/messages/batch. */

export const MAX_PERSONALIZATIONS = 1_000;
const MAX_FIELDS = 100;
const MAX_VALUE_CHARS = 10_000;

const fieldsSchema = z
  .record(
    z
      .string()
      .refine(
        isMergeName,
        `The name of a merge field has letters, digits, _ and -, begins with a letter or _, and has at most ${MAX_MERGE_NAME_CHARS} characters.`,
      ),
    z.union(
      [z.string().max(MAX_VALUE_CHARS), z.number(), z.boolean()],
      `A merge field is a text of at most ${MAX_VALUE_CHARS} characters, a number, true or false.`,
    ),
  )
  .refine(
    (fields) => Object.keys(fields).length <= MAX_FIELDS,
    `At most ${MAX_FIELDS} merge fields.`,
  )
  .describe('What {{name}} stands for in subject, text, html, headers and unsubscribe.url.');

const personalizationSchema = z.strictObject({
  ...recipientFields,
  fields: fieldsSchema.optional(),
  metadata: metadataSchema
    .optional()
    .describe('Beside the metadata that all share, or in its place.'),
});

export const batchBody = z
  .strictObject({
    ...contentFields,
    personalizations: z
      .array(personalizationSchema)
      .min(1, 'A batch has at least one personalization.')
      .max(MAX_PERSONALIZATIONS, `A batch has at most ${MAX_PERSONALIZATIONS} personalizations.`)
      .describe('One message each: who gets it, and what is put in for them.'),
  })
  .refine(hasContent, NO_CONTENT)
  .refine(
    ({ headers = {} }) =>
      Object.entries(headers).every(
        ([name, value]) => name.toLowerCase() !== 'message-id' || value.includes('{{'),
      ),
    { path: ['headers'], message: 'Each message needs a Message-ID of its own: leave it out.' },
  );

export type BatchBody = z.output<typeof batchBody>;

export const batchAccepted = z.object({
  data: z.array(z.object(acceptedFields)).describe('One for each personalization, in their order.'),
  webhooks: webhooksSchema,
});
