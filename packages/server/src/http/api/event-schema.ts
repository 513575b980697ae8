import {
  BOUNCE_CATEGORIES,
  BOUNCE_SCOPES,
  BOUNCE_TYPES,
  EVENT_TYPES,
  RECIPIENT_STATES,
} from '@posthorn/sdk';
import { z } from 'zod';
import { isId } from '../../core/ids.ts';
import { nearestName } from '../../core/nearest-name.ts';
import {
  lineOf,
  metadataSchema,
  nextCursorSchema,
  pageQuery,
  timestampSchema,
  utcTimestampSchema,
} from './schemas.ts';

/** The canonical event (packages/sdk/src/event.ts) as a schema for what comes in from elsewhere. */

const textOrNull = (maxLength: number) => z.string().max(maxLength).nullish();
const numberOrNull = z.number().int().nullish();

/** An event without `raw` stays below this, so that any receiver takes it. */
export const MAX_EVENT_CHARS = 20_000;

const typeSchema = z.enum(EVENT_TYPES, {
  error: ({ input }) => {
    const nearest = typeof input === 'string' ? nearestName(input, EVENT_TYPES) : null;
    const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
    return `${JSON.stringify(input)} is not an event type.${hint} GET /v1/event-types lists them.`;
  },
});

const dataSchema = z.strictObject({
  provider: lineOf(100).optional(),
  source: textOrNull(100),
  received_at: utcTimestampSchema.optional(),
  provider_type: textOrNull(200),
  provider_event_id: textOrNull(500),
  message: z
    .strictObject({
      id: textOrNull(200).default(null),
      smtp_id: textOrNull(1_000),
      provider_id: textOrNull(500),
      from: textOrNull(1_000),
      subject: textOrNull(1_000),
      stream: textOrNull(100),
      sent_at: utcTimestampSchema.nullish(),
    })
    .optional(),
  recipient: lineOf(320).nullish(),
  recipient_inferred: z.boolean().optional(),
  delivery: z
    .strictObject({
      attempt: numberOrNull,
      smtp_code: numberOrNull,
      enhanced_code: textOrNull(20),
      response: textOrNull(2_000),
      mx: textOrNull(255),
      remote_ip: textOrNull(64),
      tls: z.boolean().nullish(),
      latency_ms: numberOrNull,
      error_code: textOrNull(100),
      next_attempt_at: utcTimestampSchema.nullish(),
    })
    .optional(),
  bounce: z
    .strictObject({
      type: z.enum(BOUNCE_TYPES),
      category: z.enum(BOUNCE_CATEGORIES),
      scope: z.enum(BOUNCE_SCOPES),
      description: textOrNull(2_000),
      async: z.boolean().nullish(),
      from_dsn: z.boolean().nullish(),
      suppressed: z.boolean().nullish(),
    })
    .optional(),
  complaint: z
    .strictObject({
      type: textOrNull(100).default(null),
      feedback_id: textOrNull(500),
      user_agent: textOrNull(1_000),
    })
    .optional(),
  reject: z.strictObject({ reason: z.string().max(200) }).optional(),
  engagement: z
    .strictObject({
      url: textOrNull(8_000),
      link_id: textOrNull(200),
      ip: textOrNull(64),
      user_agent: textOrNull(1_000),
      client: z
        .strictObject({
          name: z.string().max(100).nullable(),
          os: z.string().max(100).nullable(),
          device: z.string().max(100).nullable(),
        })
        .nullish(),
      first: z.boolean().nullish(),
      machine: z.boolean().nullish(),
      machine_reason: textOrNull(200),
    })
    .optional(),
  unsubscribe: z
    .strictObject({ method: textOrNull(100).default(null), group: textOrNull(200) })
    .optional(),
  tags: z.array(z.string().max(200)).max(50).optional(),
  metadata: metadataSchema.optional(),
  raw: z
    .unknown()
    .optional()
    .describe("The provider's own payload; stored, not counted in the 20,000 characters."),
  sequence: z.number().optional().describe('Ignored: the log gives it.'),
  state: z.enum(RECIPIENT_STATES).optional().describe('Ignored: the log gives it.'),
  previous_state: z.enum(RECIPIENT_STATES).nullish().describe('Ignored: the log gives it.'),
});

export const eventInput = z
  .strictObject({
    id: z
      .string()
      .refine(
        (id) => isId('event', id),
        'An event id is "evt_" and a ULID. Leave it out to get one.',
      )
      .optional(),
    type: typeSchema,
    timestamp: utcTimestampSchema,
    data: dataSchema,
  })
  .refine(({ data: { raw: _raw, ...data } }) => JSON.stringify(data).length <= MAX_EVENT_CHARS, {
    path: ['data'],
    message: `Without raw, data may have ${MAX_EVENT_CHARS} characters as JSON.`,
  });

export type EventInput = z.output<typeof eventInput>;

export const eventsBody = z
  .union([eventInput, z.array(eventInput).min(1).max(1_000)], 'Give an event or a list of events.')
  .describe('One event, or a list of up to 1,000. All are stored, or none.');

export const appendedSchema = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      duplicate: z
        .boolean()
        .describe('True when the log had this event; `id` is the one that it has.'),
    }),
  ),
});

export const eventSchema = z.object({
  id: z.string(),
  type: z.enum(EVENT_TYPES),
  timestamp: timestampSchema,
  data: z.looseObject({}),
});

export const eventList = z.object({ data: z.array(eventSchema), next_cursor: nextCursorSchema });

export const eventQuery = z.strictObject({
  ...pageQuery,
  type: z
    .string()
    .max(1_000)
    .optional()
    .describe('Types or families, separated by commas: email.bounced,email.* '),
  message_id: z.string().max(500).optional(),
  recipient: z.string().max(320).optional(),
});
