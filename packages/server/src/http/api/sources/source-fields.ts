import {
  type EventMapping,
  MAPPED_FIELDS,
  type MappedField,
  PROVIDERS,
  parsePath,
} from '@posthorn/sdk';
import { z } from 'zod';
import { nearestName } from '../../../core/nearest-name.ts';
import { MAX_SOURCE_SECRETS } from '../../../core/source.ts';
import { durationFrom, oneOf } from '../endpoints/endpoint-fields.ts';
import { typeSchema } from '../events/event-data-schema.ts';
import { lineOf, tagsSchema } from '../schemas.ts';

/** The fields of a source as they come in, each with its limits. */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
export const MAX_OVERLAP_MS = 30 * DAY_MS;
export const DEFAULT_OVERLAP_MS = DAY_MS;

const PROVIDER_NAMES = PROVIDERS.map(({ name }) => name);

/** Its name in the registry, also by another that it goes by. */
export const providerField = z
  .string()
  .transform((text, context) => {
    const wanted = text.trim().toLowerCase();
    const found = PROVIDERS.find(
      ({ name, aliases }) => name === wanted || aliases.includes(wanted),
    );
    if (found !== undefined) return found.name;
    const nearest = nearestName(
      wanted,
      PROVIDERS.flatMap(({ name, aliases }) => [name, ...aliases]),
    );
    const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
    const message = `There is no provider ${JSON.stringify(text.slice(0, 100))}.${hint} There are: ${PROVIDER_NAMES.join(', ')}.`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  })
  .describe(`Whose webhooks come in: ${PROVIDER_NAMES.join(', ')}.`);

/** Keys may be whole certificates. */
export const secretField = z
  .string()
  .min(1, 'A secret is not empty.')
  .max(16_384, 'A secret has at most 16,384 characters.')
  .regex(
    /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/,
    'A secret has no control characters.',
  );

const secretsField = z
  .array(secretField)
  .max(MAX_SOURCE_SECRETS, `A source has at most ${MAX_SOURCE_SECRETS} secrets.`)
  .describe(
    'What its webhooks are signed with, as docs/sources.md says for each provider; any of them counts.',
  );

const topicField = z
  .string()
  .regex(
    /^arn:[A-Za-z0-9-]+:sns:[A-Za-z0-9-]*:[A-Za-z0-9-]+:[A-Za-z0-9_.-]{1,256}$/,
    'Write the ARN of the topic, such as arn:aws:sns:eu-west-1:123456789012:ses-events.',
  );

const urlField = z
  .string()
  .max(2_048)
  .refine((text) => URL.canParse(text) && /^https?:\/\//i.test(text), 'Write a whole URL.');

const pathField = z
  .string()
  .max(500)
  .refine(
    (path) => parsePath(path) !== null,
    "Write a path of names, such as $.events[*], data.email, items[0].id or $['a name'].",
  );

const pathsField = z
  .union([pathField, z.array(pathField).min(1).max(10)], 'Give a path, or a list of paths.')
  .optional();

const mappedFields = Object.fromEntries(MAPPED_FIELDS.map((name) => [name, pathsField])) as Record<
  MappedField,
  typeof pathsField
>;

const mappingField = z.strictObject({
  entries: pathField
    .optional()
    .describe('Where the events are; without it, the body is one, or a list of them.'),
  fields: z
    .strictObject(mappedFields)
    .describe('Which path is which field; of several, the first that has something.'),
  types: z
    .record(z.string().max(200), typeSchema)
    .optional()
    .describe('Types of the sender that their name does not tell.'),
}) satisfies z.ZodType<EventMapping>;

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'This is no name of a header.');

const signatureField = z.strictObject({
  header: headerName.describe('The header that has the signature.'),
  prefix: lineOf(50).optional().describe('What stands before it, such as sha256=.'),
  algorithm: oneOf(['sha1', 'sha256']).optional(),
  encoding: oneOf(['hex', 'base64']).optional(),
  signed: lineOf(200)
    .refine(
      (text) => text.includes('{body}'),
      'It has to have {body}: otherwise one signature fits any body.',
    )
    .optional()
    .describe('What is signed: {body}, {timestamp} and whatever stands between.'),
  timestamp_header: headerName.optional(),
});

/** Null stands for the default, in a change as well as at the creation. */
export const optionalFields = {
  name: lineOf(100).min(1).nullable().describe('For people; without it, that of the provider.'),
  secrets: secretsField.nullable(),
  topics: z
    .array(topicField)
    .max(50)
    .nullable()
    .describe('ses and scaleway: the SNS topics whose messages and subscriptions are taken.'),
  signed_url: urlField
    .nullable()
    .describe('mandrill: the URL as it was given to it, where a proxy changes what arrives here.'),
  mapping: mappingField
    .nullable()
    .describe('generic: which path of its JSON is which field of the event.'),
  signature: signatureField
    .nullable()
    .describe('generic: where its HMAC stands and what it is of.'),
  stream: lineOf(100).min(1).nullable().describe('For messages whose provider names no stream.'),
  tags: tagsSchema.nullable().describe('Added to the tags of each message.'),
  expect_every: durationFrom(MINUTE_MS, 30 * DAY_MS)
    .nullable()
    .describe('It is called stalled when it is silent for longer; null: what its past says.'),
  on_refusal: oneOf(['retry', 'stop'])
    .nullable()
    .describe(
      'What a bad signature is answered: retry, the default, or stop, after which the provider does not try again (mailgun, postmark).',
    ),
};

export const sourceParam = z.object({
  id: z.string().max(200).describe('The id of the source.'),
});

const optionalSchema = z.strictObject(optionalFields).partial();

/** The optional fields as a handler gets them: durations in ms. */
export type SourceFields = z.output<typeof optionalSchema>;

export const optionalShape = optionalSchema.shape;

export const overlapField = durationFrom(0, MAX_OVERLAP_MS)
  .optional()
  .describe('How long the old one counts beside the new one, 24h by default; 0s: not at all.');
