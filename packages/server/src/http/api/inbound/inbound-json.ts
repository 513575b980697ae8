import { z } from 'zod';
import { INBOUND_ACTIONS, MAX_PRIORITY } from '../../../core/mail/inbound-route.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { type FileUrls, toInbound } from '../../../mail/inbound/inbound-block.ts';
import type { ParsedMail } from '../../../mail/inbound/read/parse-mail.ts';
import type { InboundRoute } from '../../../store/mail/inbound-routes.ts';
import type { ReceivedMail } from '../../../store/mail/received-mail.ts';
import { inboundSchema } from '../events/event-data-schema.ts';
import { lineOf, nextCursorSchema, tagsSchema, timestampSchema } from '../schemas.ts';

export const routeFields = {
  address: lineOf(320)
    .min(3)
    .describe(
      'Mail to it is taken: support@in.example.com. "*" stands for any text in front of the "@": reply+*@in.example.com, *@in.example.com. "*." in front of the domain stands for all names below it.',
    ),
  action: z
    .enum(INBOUND_ACTIONS)
    .describe('receive: mail becomes email.received. refuse: the sender hears 550.'),
  priority: z
    .number()
    .int()
    .min(0)
    .max(MAX_PRIORITY)
    .describe('Of routes that match, the one with the lowest decides; then the narrowest address.'),
  tags: tagsSchema.describe('Events of its mail have them.'),
  description: z.string().max(500).describe('For people.'),
};

export const routeSchema = z.object({
  id: z.string(),
  ...routeFields,
  ready: z.boolean().describe('Whether mail to it is taken now.'),
  detail: z.string().nullable().describe('Why not, and what to do.'),
  version: z.number().int().describe('1, then one more with each change. Also the ETag.'),
  created_at: timestampSchema,
  updated_at: timestampSchema,
});

export const routeList = z.object({ data: z.array(routeSchema), next_cursor: nextCursorSchema });

export const checkedRouteSchema = z.object({
  ...routeSchema.shape,
  mx: z
    .object({
      name: z.string(),
      expected: z.string(),
      status: z.enum(['ok', 'missing', 'wrong', 'unknown']),
      found: z.string().nullable(),
      detail: z.string().nullable(),
    })
    .describe('What DNS says of where mail for the domain goes.'),
});

export function toRouteJson(route: InboundRoute, detail: string | null) {
  return {
    id: route.id,
    address: route.pattern,
    action: route.action,
    priority: route.priority,
    tags: route.tags,
    description: route.description,
    ready: detail === null,
    detail,
    version: route.version,
    created_at: toTimestamp(route.createdAtMs),
    updated_at: toTimestamp(route.updatedAtMs),
  };
}

const receivedFields = {
  recipient: z.string().describe('Of the envelope.'),
  subject: z.string().nullable(),
  smtp_id: z.string().nullable().describe('The Message-ID header.'),
  received_at: timestampSchema,
};

/** As email.received tells of it, whole. */
export const receivedDetail = z.object({ ...receivedFields, ...inboundSchema.shape });

export const receivedList = z.object({
  data: z.array(
    z.object({
      ...receivedFields,
      ...inboundSchema.pick({
        id: true,
        route_id: true,
        plus_tag: true,
        envelope_from: true,
        from: true,
        authentication: true,
        spam: true,
        automatic: true,
        size_bytes: true,
      }).shape,
      attachments: z.number().int().describe('How many files it has.'),
    }),
  ),
  next_cursor: nextCursorSchema,
});

function commonOf({ recipient, subject, smtpId, createdAtMs }: ReceivedMail) {
  return { recipient, subject, smtp_id: smtpId, received_at: toTimestamp(createdAtMs) };
}

export function toReceivedSummary(mail: ReceivedMail) {
  const { plus_tag, from, authentication, spam, automatic, attachments = [] } = mail.details;
  return {
    id: mail.id,
    route_id: mail.routeId,
    ...commonOf(mail),
    envelope_from: mail.envelopeFrom,
    ...{ plus_tag, from, authentication, spam, automatic },
    size_bytes: mail.sizeBytes,
    attachments: attachments.length,
  };
}

export function toReceivedJson(
  mail: ReceivedMail,
  words: ParsedMail | null,
  urls: FileUrls | null,
) {
  return { ...commonOf(mail), ...toInbound(mail, words, urls) };
}
