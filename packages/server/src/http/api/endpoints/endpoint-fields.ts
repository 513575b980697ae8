import { z } from 'zod';
import { createContentFilterSchema } from '../../../core/events/content-filter-fields.ts';
import { explainEventPattern } from '../../../core/events/event-filter.ts';
import { nearestName } from '../../../core/nearest-name.ts';
import {
  API_VERSIONS,
  DIALECTS,
  ENDPOINT_ORDERS,
} from '../../../core/webhooks/endpoint-settings.ts';
import {
  explainLadder,
  explainUnknownLadder,
  RETRY_LADDER_NAMES,
  RETRY_LADDERS,
} from '../../../core/webhooks/retry-ladders.ts';
import { formatDuration, parseDuration } from '../../../lib/duration.ts';
import { transformationField } from '../preview-events.ts';
import { lineOf } from '../schemas.ts';
import { explainHeader, type HeaderInput } from './endpoint-headers.ts';

/** The fields of an endpoint as they come in, each with its limits. */

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const MAX_METADATA_KEYS = 20;
const MAX_CERTIFICATE_CHARS = 65_536;
const MAX_KEY_CHARS = 16_384;

/** A duration as text, such as `30s`; ms for the handler. */
export function durationFrom(minMs: number, maxMs: number) {
  const range = `from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  const advice = `Write a duration ${range} as text, such as 30s, 5m or 2h.`;
  return z.string(advice).transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== null && ms >= minMs && ms <= maxMs) return ms;
    context.addIssue({ code: 'custom', message: advice });
    return z.NEVER;
  });
}

/** One of a few words; a wrong one is told the nearest. */
export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, {
    error: ({ input }) => {
      const nearest = typeof input === 'string' ? nearestName(input, values) : null;
      const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
      return `${JSON.stringify(input)} is none of ${values.join(', ')}.${hint}`;
    },
  });
}

const eventPatterns = z
  .array(
    z
      .string()
      .max(100)
      .superRefine((pattern, context) => {
        const detail = explainEventPattern(pattern);
        if (detail !== null) context.addIssue(detail);
      }),
  )
  .min(1, 'Name a type, a family such as email.*, or * for all.')
  .max(100);

/** A name of dots alone leads elsewhere in a path, and one that begins like an id is taken for one. */
const UID = /^(?!ep_)(?!\.{1,2}$)[A-Za-z0-9_.:-]{1,100}$/;

const headerInput = z.union(
  [z.string(), z.strictObject({ value: z.string(), secret: z.boolean().optional() }), z.null()],
  'Give a text, {"value": "...", "secret": true}, or null to remove the header.',
) satisfies z.ZodType<HeaderInput>;

const headersField = z.record(z.string(), headerInput).superRefine((headers, context) => {
  for (const [name, input] of Object.entries(headers)) {
    const detail = explainHeader(name, input);
    if (detail !== null) context.addIssue({ code: 'custom', message: detail, path: [name] });
  }
});

const metadataField = z
  .record(
    z.string().min(1, 'A key is not empty.').max(100, 'A key has at most 100 characters.'),
    z.string('The metadata of an endpoint are texts.').max(500),
  )
  .refine(
    (metadata) => Object.keys(metadata).length <= MAX_METADATA_KEYS,
    `An endpoint has at most ${MAX_METADATA_KEYS} metadata.`,
  );

const ladderField = z.union(
  [
    z.string().superRefine((name, context) => {
      if (!Object.hasOwn(RETRY_LADDERS, name)) context.addIssue(explainUnknownLadder(name));
    }),
    z.array(z.string('Write a wait as text, such as 30s.')).superRefine((waits, context) => {
      const fault = explainLadder(waits);
      if (fault === null) return;
      const path = fault.index === null ? [] : [fault.index];
      context.addIssue({ code: 'custom', message: fault.detail, path });
    }),
  ],
  `Name a ladder (${RETRY_LADDER_NAMES.join(', ')}), or give a list of waits such as ["30s", "5m", "1h"].`,
);

const batchField = z.strictObject({
  max_events: z.int().min(2).max(1_000).describe('A batch with so many goes at once.'),
  max_wait: durationFrom(1, 60 * SECOND_MS).describe('How long its first event waits for others.'),
  event_types: eventPatterns
    .nullable()
    .default(null)
    .describe('Which types go in batches; null for all. The others go singly.'),
});

const pem = (maxLength: number) => z.string().max(maxLength);

/** Null stands for the default, in a change as well as at the creation. */
export const optionalFields = {
  uid: z
    .string()
    .regex(UID, 'A uid has 1 to 100 of A-Z a-z 0-9 _ . : - and does not begin with ep_.')
    .nullable()
    .describe('Your own name for it, unique in the project; good in every path instead of the id.'),
  description: lineOf(500).nullable().describe('For people.'),
  metadata: metadataField.nullable().describe('Whatever you want to find again, texts by name.'),
  event_types: eventPatterns
    .nullable()
    .describe('Which events: types, families such as email.*, or * for all, the default.'),
  filter: z
    .unknown()
    .meta({ anyOf: [createContentFilterSchema(), { type: 'null' }] })
    .describe('Which of them, by what is in them.'),
  transformation: transformationField
    .nullable()
    .describe(
      'JSONata that makes the body of an event; what gives nothing is not sent. Only with the dialect standard.',
    ),
  headers: headersField
    .nullable()
    .describe('Sent with every post. Of a change, each name is merged; null removes it.'),
  timeout: durationFrom(SECOND_MS, 60 * SECOND_MS)
    .nullable()
    .describe('One deadline over everything, 1s to 60s.'),
  concurrency: z.int().min(1).max(1_000).nullable().describe('Posts under way at once.'),
  rate_limit: z.number().min(0.1).max(10_000).nullable().describe('Events a second.'),
  order: oneOf(ENDPOINT_ORDERS)
    .nullable()
    .describe('none; per-message: the events of one message in turn; per-endpoint: all in turn.'),
  batch: batchField.nullable().describe('Several events in one post.'),
  coalesce: durationFrom(SECOND_MS, HOUR_MS)
    .nullable()
    .describe('Opens and clicks that repeat within this time go as one, 1s to 1h.'),
  dialect: oneOf(DIALECTS)
    .nullable()
    .describe(
      'The format of the posts; it sets retry ladder, timeout and batch where they are null.',
    ),
  dialect_options: z
    .record(z.string().max(100), z.string('An option is a text.').max(500))
    .nullable()
    .describe('What the dialect leaves to the endpoint, by name.'),
  retry_ladder: ladderField
    .nullable()
    .describe('The waits after failures: a name, or a list; [] for no retries.'),
  api_version: oneOf(API_VERSIONS).nullable().describe('The shape of the events.'),
  patience: durationFrom(HOUR_MS, 30 * 24 * HOUR_MS)
    .nullable()
    .describe('How long it may fail before it is disabled, 1h to 30d.'),
  notify_email: z
    .email('An address looks like user@example.com.')
    .max(320)
    .nullable()
    .describe('Who hears of trouble.'),
  redact_recipient: oneOf(['hash', 'remove'])
    .nullable()
    .describe('Keep the addresses of recipients from it: hashed, or left out.'),
  client_certificate: pem(MAX_CERTIFICATE_CHARS)
    .nullable()
    .describe('PEM: what Posthorn shows when it is asked who it is (mTLS), with its chain.'),
  client_key: pem(MAX_KEY_CHARS).nullable().describe('PEM: the private key to it. Never shown.'),
  ca_certificate: pem(MAX_CERTIFICATE_CHARS)
    .nullable()
    .describe('PEM: authorities to trust for this endpoint, beside the usual ones.'),
};

export const urlField = z.string().min(1).max(2_048).describe('Where events are posted to. HTTPS.');

/** A secret that the caller brings along, so that its handlers need no change. */
export const secretField = z
  .string()
  .max(MAX_KEY_CHARS)
  .describe(
    'One of your own, as the dialect signs: whsec_ and base64 of 24 to 64 bytes, whsk_ for v1a, any text for hmac, a private key as PEM for the others.',
  );

export const endpointParam = z.object({
  id: z.string().max(200).describe('The id of the endpoint, or its uid.'),
});

const optionalSchema = z.strictObject(optionalFields).partial();

/** The optional fields as a handler gets them: durations in ms. */
export type EndpointFields = z.output<typeof optionalSchema>;
