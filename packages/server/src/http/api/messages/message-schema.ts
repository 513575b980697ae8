import { z } from 'zod';
import { MAX_EXPECT_MS, MIN_EXPECT_MS } from '../../../core/mail/message-limits.ts';
import { STREAMS } from '../../../core/mail/streams.ts';
import { DELIVERY_STATES } from '../../../core/webhooks/delivery-state.ts';
import { durationFrom } from '../endpoints/endpoint-fields.ts';
import { heldSchema, holdSchema } from '../holds/hold-json.ts';
import {
  addressLine,
  lineOf,
  metadataSchema,
  nextCursorSchema,
  tagsSchema,
  timestampSchema,
} from '../schemas.ts';

/** The bodies of /v1/messages. */

const mailboxSchema = z
  .union(
    [addressLine(1_000), z.strictObject({ email: addressLine(), name: lineOf(300).optional() })],
    'Write an address as "Name <user@example.com>", as "user@example.com", or as {"email": "...", "name": "..."}.',
  )
  .meta({ title: 'address' });

const mailboxesSchema = z
  .union([mailboxSchema, z.array(mailboxSchema).max(1_000)], {
    error: 'Give an address or a list of up to 1,000 addresses.',
  })
  .meta({ title: 'address or list of addresses' });

const attachmentSchema = z.strictObject({
  filename: lineOf(255).min(1),
  content: z.base64('The content has to be base64.').describe('Base64.'),
  content_type: z
    .string()
    .regex(
      /^[\w.+-]+\/[\w.+-]+(; ?[\w-]+="?[\w.+-]+"?)*$/,
      'A content type looks like application/pdf.',
    )
    .max(200)
    .optional(),
  content_id: z
    .string()
    .regex(/^[\w.@+-]{1,200}$/, 'A content id has letters, digits and . @ + - _')
    .optional()
    .describe('Lets the HTML show the attachment as cid:...'),
});

const trackingSchema = z
  .strictObject({
    opens: z.boolean().optional().describe('A pixel tells of opens.'),
    clicks: z.boolean().optional().describe('Links in the HTML lead here first.'),
    text_links: z.boolean().optional().describe('With clicks: links in the plain text too.'),
    except: z
      .array(addressLine())
      .max(1_000)
      .optional()
      .describe('Addresses of recipients who are not tracked.'),
  })
  .describe(
    'What is left out, the project decides (its sending). Needs public_url. A link with the attribute data-posthorn-notrack stays as it is.',
  );

/** Fields that Posthorn writes itself, or that would change the message's structure or route. */
const RESERVED_HEADERS =
  /^(from|sender|to|cc|bcc|reply-to|subject|date|mime-version|content-.*|received|return-path|dkim-signature|x-posthorn-.*)$/i;

const headersSchema = z
  .record(
    z
      .string()
      .max(100)
      .regex(/^[!-9;-~]+$/, 'A header name has printable ASCII characters without colon and space.')
      .refine(
        (name) => !RESERVED_HEADERS.test(name),
        'Posthorn writes this header itself; use the field of the request.',
      ),
    lineOf(900),
  )
  .refine((headers) => Object.keys(headers).length <= 50, 'At most 50 headers.')
  .refine(
    (headers) =>
      Object.entries(headers).every(
        ([name, value]) =>
          name.toLowerCase() !== 'message-id' || /^<[^<>\s@]+@[^<>\s@]+>$/.test(value),
      ),
    'A Message-ID looks like <something@example.com>.',
  );

export const recipientFields = {
  to: mailboxesSchema.optional().describe('Recipients. One of to, cc and bcc is needed.'),
  cc: mailboxesSchema.optional().describe('Recipients that everyone sees.'),
  bcc: mailboxesSchema.optional().describe('Recipients that nobody sees.'),
};

export const sendAtSchema = timestampSchema.describe(
  'When to send it, within 72 hours. A time that is over means at once.',
);

export const expectWithinSchema = z
  .union(
    [
      durationFrom(MIN_EXPECT_MS, MAX_EXPECT_MS),
      z
        .int()
        .min(MIN_EXPECT_MS / 1_000)
        .max(MAX_EXPECT_MS / 1_000)
        .transform((seconds) => seconds * 1_000),
    ],
    'Write a duration from 1s to 7d as text, such as 90s, or as a number of seconds.',
  )
  .describe(
    'By when it is to have reached its end, counted from its first attempt: 90s, or a number of seconds. Of each recipient that has no final state by then, email.overdue tells once.',
  );

/** What all messages of a batch may share. */
export const contentFields = {
  from: mailboxSchema.describe(
    'The sender: "Name <user@example.com>", "user@example.com", or {"email": "...", "name": "..."}.',
  ),
  reply_to: mailboxesSchema.optional().describe('Where replies go.'),
  subject: lineOf(998).default(''),
  text: z.string().optional().describe('The body as plain text. One of text and html is needed.'),
  html: z.string().optional().describe('The body as HTML.'),
  headers: headersSchema
    .optional()
    .describe('More headers, by name. A Message-ID given here is kept.'),
  attachments: z.array(attachmentSchema).max(100).optional(),
  stream: z
    .enum(STREAMS)
    .default('transactional')
    .describe('broadcast: mail to many at once, from which people can unsubscribe.'),
  unsubscribe: z
    .strictObject({
      url: z
        .url({ protocol: /^https$/, error: 'Write an https: address.' })
        .max(800)
        .regex(/^[\x21-\x7e]+$/, 'Write the address in ASCII, percent-encoded.')
        .optional()
        .describe('Takes a POST without login (RFC 8058), and shows people a page.'),
      mailto: lineOf(254).min(3).optional().describe('An address that unsubscribes who writes.'),
      hosted: z
        .boolean()
        .optional()
        .describe('A page of this server, which each recipient has for himself. Needs public_url.'),
    })
    .refine(
      (given) => given.url !== undefined || given.mailto !== undefined || given.hosted === true,
      'Give url, mailto or hosted.',
    )
    .refine(
      (given) => given.url === undefined || given.hosted !== true,
      'Give url or hosted: there is one page.',
    )
    .optional()
    .describe(
      'How to leave: becomes List-Unsubscribe, with url or hosted one-click as Gmail and Yahoo want.',
    ),
  tracking: trackingSchema.optional(),
  tags: tagsSchema.optional(),
  metadata: metadataSchema.optional(),
  send_at: sendAtSchema.optional(),
  expect_within: expectWithinSchema.optional(),
};

export const hasContent = (body: { text?: string | undefined; html?: string | undefined }) =>
  body.text !== undefined || body.html !== undefined;
export const NO_CONTENT = { path: ['text'], message: 'A message needs text, html, or both.' };

export const messageBody = z
  .strictObject({ ...recipientFields, ...contentFields })
  .refine(hasContent, NO_CONTENT);

export type MessageBody = z.output<typeof messageBody>;

const kindSchema = z.enum(['to', 'cc', 'bcc', 'envelope']);

export const acceptedFields = {
  id: z.string(),
  recipients: z.array(z.object({ address: z.string(), kind: kindSchema })),
  hold: holdSchema,
};

export const webhooksSchema = z
  .object({ enabled: z.number().int(), disabled: z.number().int() })
  .describe('How many endpoints listen to events of messages: who will hear of this one.');

export const acceptedSchema = z.object({ ...acceptedFields, webhooks: webhooksSchema });

const messageFields = {
  id: z.string(),
  from: z.string(),
  subject: z.string().nullable(),
  smtp_id: z.string(),
  accepted_by: z.enum(['http', 'smtp']),
  sandbox: z.boolean().describe('It came with a sandbox key: nothing of it is real.'),
  stream: z.enum(STREAMS),
  size_bytes: z.number().int(),
  tags: z.array(z.string()),
  metadata: z.record(z.string(), z.unknown()),
  tracking: z
    .object({
      opens: z.boolean(),
      clicks: z.boolean(),
      text_links: z.boolean(),
      unsubscribe_page: z.boolean(),
    })
    .nullable()
    .describe('null: every recipient got the same bytes.'),
  created_at: timestampSchema,
  send_at: timestampSchema.nullable().describe('Of a scheduled message; null of others.'),
  expires_at: timestampSchema,
  held: heldSchema,
};

export const attemptSchema = z.object({
  id: z.string(),
  number: z.number().int(),
  started_at: timestampSchema,
  latency_ms: z.number().int(),
  outcome: z
    .enum(['succeeded', 'failed', 'skipped'])
    .describe('skipped: the transformation of the endpoint made nothing of the event.'),
  status: z.number().int().nullable(),
  error_code: z.string().nullable().describe('null for a success.'),
  error_detail: z.string().nullable().describe('The same in words.'),
  fault: z
    .enum(['endpoint', 'ours'])
    .nullable()
    .describe("Whose fault it was. What is ours does not use up the endpoint's attempts."),
  response_excerpt: z.string().nullable().describe('The first 16 kB of the answer.'),
});

const headerListSchema = z.array(z.object({ name: z.string(), value: z.string() }));
const phaseSchema = z.number().nullable().describe('null where it did not happen.');

export const fullAttemptSchema = attemptSchema.omit({ response_excerpt: true }).extend({
  transformed_by: z
    .int()
    .nullable()
    .describe(
      'The version of the endpoint whose transformation made the body; null where the body is the event.',
    ),
  request: z.object({
    method: z.literal('POST'),
    url: z.string().nullable().describe("The endpoint's URL today; null when it was deleted."),
    headers: headerListSchema.describe(
      "As they were sent. The endpoint's own headers are today's, secret values are masked. The body is the event, or what the transformation of the endpoint made of it.",
    ),
  }),
  response: z
    .object({
      status: z.number().int(),
      headers: headerListSchema.describe('At most 8 kB.'),
      excerpt: z.string().nullable().describe('The first 16 kB of the answer.'),
    })
    .nullable()
    .describe('null when no answer came.'),
  timing: z
    .object({
      dns_ms: phaseSchema,
      connect_ms: phaseSchema,
      tls_ms: phaseSchema,
      first_byte_ms: phaseSchema.describe('From the request to the first bytes of the answer.'),
      remote_address: z.string().nullable(),
      connection_reused: z.boolean().describe('The connection had carried a post before.'),
    })
    .nullable()
    .describe('Where latency_ms went; null when nothing was sent.'),
});

export const deliverySchema = z.object({
  id: z.string(),
  event_id: z.string(),
  endpoint_id: z.string(),
  endpoint_url: z.string().nullable().describe('null when the endpoint was deleted.'),
  state: z
    .enum(DELIVERY_STATES)
    .describe(
      'pending: not tried yet. in_flight: being posted, or next in memory. retrying: tried, and due again. dead: given up.',
    ),
  attempt_count: z.number().int(),
  last_status: z.number().int().nullable(),
  last_error: z.string().nullable(),
  next_attempt_at: timestampSchema
    .nullable()
    .describe('null when it has ended, is in flight, or stands in line.'),
  in_line: z.boolean().describe('It waits for an earlier one, since the endpoint wants order.'),
  created_at: timestampSchema,
  ended_at: timestampSchema.nullable(),
});

export const messageDetail = z.object({
  ...messageFields,
  expected_by: timestampSchema
    .nullable()
    .describe('When it is asked after (expect_within); null: it is not, or not any more.'),
  recipients: z.array(
    z.object({
      address: z.string(),
      kind: kindSchema,
      state: z.string().nullable(),
      attempts: z.number().int(),
      next_attempt_at: timestampSchema.nullable(),
    }),
  ),
  timeline: z.array(
    z.object({
      event: z.looseObject({ id: z.string(), type: z.string(), timestamp: timestampSchema }),
      deliveries: z.array(deliverySchema.extend({ attempts: z.array(attemptSchema) })),
    }),
  ),
  timeline_truncated: z.boolean(),
});

export const messageList = z.object({
  data: z.array(
    z.object({
      ...messageFields,
      recipients: z
        .array(z.object({ address: z.string(), state: z.string().nullable() }))
        .describe('The first three.'),
    }),
  ),
  next_cursor: nextCursorSchema,
});
