import { z } from 'zod';
import { STREAMS } from '../../../core/mail/streams.ts';
import { SUPPRESSION_REASONS } from '../../../core/mail/suppression.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import type { SuppressionRecord } from '../../../store/mail/suppressions.ts';
import { nextCursorSchema, timestampSchema } from '../schemas.ts';

export const reasonSchema = z.enum(SUPPRESSION_REASONS);

export const suppressionSchema = z.object({
  id: z.string(),
  address: z
    .string()
    .nullable()
    .describe('In lower case, the domain in ASCII. null: the person was erased, the entry holds.'),
  stream: z.enum(STREAMS).nullable().describe('null: all streams.'),
  reason: reasonSchema,
  source: z.string().describe('Who put it there: posthorn, api, import, or a provider.'),
  note: z.string().nullable(),
  event_id: z.string().nullable().describe('The event that led to it.'),
  created_at: timestampSchema,
  expires_at: timestampSchema.nullable().describe('From then on it holds no more.'),
});

export const suppressionList = z.object({
  data: z.array(suppressionSchema),
  next_cursor: nextCursorSchema,
});

export function toSuppressionJson(entry: SuppressionRecord) {
  return {
    id: entry.id,
    address: entry.address,
    stream: entry.stream,
    reason: entry.reason,
    source: entry.source,
    note: entry.note,
    event_id: entry.eventId,
    created_at: toTimestamp(entry.createdAtMs),
    expires_at: entry.expiresAtMs === null ? null : toTimestamp(entry.expiresAtMs),
  };
}
