import {
  BOUNCE_CATEGORIES,
  BOUNCE_SCOPES,
  BOUNCE_TYPES,
  DNS_RECORD_PURPOSES,
  DNS_RECORD_STATUSES,
  EVENT_TYPES,
  type EventData,
  type EventInbound,
  PATIENCE_STEPS,
  RECIPIENT_STATES,
} from '@posthorn/sdk';
import { z } from 'zod';
import { explainUnknownType } from '../../../core/events/event-catalogue.ts';
import { lineOf, metadataSchema, utcTimestampSchema } from '../schemas.ts';

/** What an event carries (packages/sdk/src/event.ts), as a schema for what comes in from elsewhere. */

const textOrNull = (maxLength: number) => z.string().max(maxLength).nullish();
const numberOrNull = z.number().int().nullish();
const timeOrNull = utcTimestampSchema.nullish();

export const typeSchema = z.enum(EVENT_TYPES, {
  error: ({ input }) => explainUnknownType(input),
});

const mailboxSchema = z.strictObject({ address: z.string().max(320), name: textOrNull(500) });
const mailboxList = z.array(mailboxSchema).max(100).optional();
const resultSchema = z.string().max(50);

const attachmentSchema = z.strictObject({
  number: z.number().int(),
  filename: textOrNull(300).default(null),
  content_type: z.string().max(200),
  size_bytes: z.number().int(),
  content_id: textOrNull(500),
  inline: z.boolean().nullish(),
  url: textOrNull(2_000),
});

const authenticationSchema = z.strictObject({
  spf: z.strictObject({ result: resultSchema, domain: textOrNull(255) }),
  dkim: z.strictObject({
    result: resultSchema,
    signatures: z
      .array(
        z.strictObject({
          result: resultSchema,
          domain: z.string().max(255).nullable(),
          selector: z.string().max(255).nullable(),
          aligned: z.boolean(),
        }),
      )
      .max(20),
  }),
  dmarc: z.strictObject({
    result: resultSchema,
    domain: textOrNull(255),
    policy: textOrNull(50),
  }),
  arc: z.strictObject({
    result: resultSchema,
    domain: textOrNull(255),
  }),
});

/** A mail that came in (EventInbound), in events and in what lists them. */
export const inboundSchema = z.strictObject({
  id: z.string().max(200),
  route_id: textOrNull(200),
  plus_tag: textOrNull(64).describe('Behind the first plus of the recipient.'),
  envelope_from: textOrNull(320).describe('Empty where nobody may be answered.'),
  from: mailboxSchema.nullish(),
  to: mailboxList,
  cc: mailboxList,
  reply_to: mailboxList,
  in_reply_to: textOrNull(1_000),
  references: z.array(z.string().max(1_000)).max(100).optional(),
  text: z.string().nullish(),
  html: z.string().nullish(),
  reply_text: z.string().nullish().describe('The text without what it quotes.'),
  truncated: z.array(z.string().max(50)).max(20).optional().describe('Fields that were cut short.'),
  headers: z
    .array(z.strictObject({ name: z.string().max(200), value: z.string() }))
    .max(1_000)
    .optional(),
  attachments: z.array(attachmentSchema).max(1_000).optional(),
  authentication: authenticationSchema.optional().describe('SPF, DKIM, DMARC, ARC.'),
  spam: z
    .strictObject({ suspected: z.boolean(), reasons: z.array(z.string().max(100)).max(20) })
    .optional()
    .describe('A hint out of headers and results; nothing was scanned.'),
  automatic: textOrNull(50).describe('auto-replied, auto-generated or bulk: no person wrote it.'),
  size_bytes: z.number().int().optional(),
  url: textOrNull(2_000).describe('The whole mail, without a key.'),
  urls_expire_at: timeOrNull,
}) satisfies z.ZodType<EventInbound>;

/** Every field of an event's data, and no other: the compiler holds it against the SDK's type. */
export const dataShape = {
  test: z
    .boolean()
    .optional()
    .describe('True in a sample, and of mail sent with a sandbox key: nothing of it happened.'),
  erased: z.boolean().optional().describe('True when its recipient was erased.'),
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
      sent_at: timeOrNull,
    })
    .optional(),
  recipient: lineOf(320).nullish(),
  recipient_domain: lineOf(255).optional().describe('Only where the recipient itself is withheld.'),
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
      next_attempt_at: timeOrNull,
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
  hold: z
    .strictObject({
      reason: z.string().max(100),
      rule: textOrNull(200),
      expires_at: timeOrNull,
    })
    .optional()
    .describe('Why the message is kept for review.'),
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
  inbound: inboundSchema.optional().describe('A mail that came in.'),
  account: z
    .strictObject({ status: z.string().max(100), reason: textOrNull(1_000) })
    .optional()
    .describe('The state of an account at a provider.'),
  send_limit: z
    .strictObject({
      period: z.string().max(100),
      limit: z.number(),
      used: z.number(),
      used_percent: z.number().nullish(),
      resets_at: timeOrNull,
    })
    .optional()
    .describe("A project's sending limit, and how much of it is used."),
  domain: z
    .strictObject({
      name: z.string().max(255),
      failing_since: timeOrNull,
      records: z
        .array(
          z.strictObject({
            purpose: z.enum(DNS_RECORD_PURPOSES),
            name: z.string().max(255),
            type: z.string().max(20),
            status: z.enum(DNS_RECORD_STATUSES),
            expected: textOrNull(2_000),
            found: textOrNull(2_000),
            detail: textOrNull(1_000),
          }),
        )
        .max(50),
    })
    .optional()
    .describe('A sending domain, with its DNS records.'),
  suppression: z
    .strictObject({
      reason: z.string().max(100),
      by: textOrNull(200),
      stream: textOrNull(100),
      event_id: textOrNull(200),
      expires_at: timeOrNull,
      note: textOrNull(1_000),
    })
    .optional()
    .describe('Why and by whom the recipient was suppressed, or not any more.'),
  endpoint: z
    .strictObject({
      id: z.string().max(200),
      uid: textOrNull(200),
      url: z.string().max(2_048),
      description: textOrNull(500),
      failing_since: timeOrNull,
      patience_used_percent: z.literal(PATIENCE_STEPS).nullish(),
      reason: textOrNull(1_000),
    })
    .optional()
    .describe('The webhook endpoint that the event speaks of.'),
  exhausted: z
    .strictObject({
      event_id: z.string().max(200),
      event_type: typeSchema,
      endpoint_id: z.string().max(200),
      delivery_id: z.string().max(200),
      attempts: z.number().int(),
      first_attempt_at: timeOrNull,
      last_error: z
        .strictObject({
          code: z.string().max(100),
          detail: textOrNull(1_000),
          status: numberOrNull,
        })
        .nullable(),
    })
    .optional()
    .describe('A delivery that was given up.'),
  backlog: z
    .strictObject({
      depth: z.number(),
      at_least: z.boolean(),
      oldest_age_seconds: z.number(),
      lag_seconds: z.number(),
      threshold: z.strictObject({ depth: z.number(), lag_seconds: z.number() }),
    })
    .optional()
    .describe('How much waits for an endpoint, and what was passed.'),
  stalled: z
    .strictObject({
      source_id: z.string().max(200),
      name: textOrNull(200),
      last_event_at: timeOrNull,
      silent_seconds: z.number().nullish(),
      expected_within_seconds: z.number().nullish(),
    })
    .optional()
    .describe('A source that should be talking and is not.'),
  alert: z
    .strictObject({
      id: z.string().max(200),
      rule_id: z.string().max(200),
      rule_name: z.string().max(200),
      type: z.string().max(100),
      about: z
        .strictObject({
          kind: z.string().max(100),
          id: z.string().max(300),
          name: z.string().max(2_048),
        })
        .nullable(),
      sentence: z.string().max(4_000),
      value: z.number(),
      worst_value: z.number().nullish(),
      threshold: z.number(),
      fired_at: utcTimestampSchema,
      resolved_at: timeOrNull,
      resolved_because: textOrNull(100),
    })
    .optional()
    .describe('What an alert rule has found.'),
  coalesced: z
    .strictObject({
      count: z.number().int(),
      last_at: utcTimestampSchema,
      event_ids: z.array(z.string().max(200)).max(10_000),
    })
    .optional()
    .describe(
      'In posts to endpoints that coalesce: how many went as one; ignored in what comes in.',
    ),
  tags: z.array(z.string().max(200)).max(50).optional(),
  metadata: metadataSchema.optional(),
  raw: z
    .unknown()
    .optional()
    .describe("The provider's own payload; stored, not counted in the 20,000 characters."),
  sequence: z.number().optional().describe('The log gives it; ignored in what comes in.'),
  state: z
    .enum(RECIPIENT_STATES)
    .optional()
    .describe('The log gives it; ignored in what comes in.'),
  previous_state: z
    .enum(RECIPIENT_STATES)
    .nullish()
    .describe('The log gives it; ignored in what comes in.'),
} satisfies Record<keyof EventData, z.ZodType>;

export const dataSchema = z.strictObject(dataShape) satisfies z.ZodType<EventData>;
