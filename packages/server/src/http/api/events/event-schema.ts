import { EVENT_TYPES } from '@posthorn/sdk';
import { z } from 'zod';
import { isId } from '../../../core/ids.ts';
import { MAX_EVENT_CHARS } from '../../../core/mail/message-limits.ts';
import { rangeFields, typeQuery } from '../filters.ts';
import { nextCursorSchema, pageQuery, timestampSchema, utcTimestampSchema } from '../schemas.ts';
import { dataSchema, typeSchema } from './event-data-schema.ts';

/** The bodies of /v1/events. */

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

export const eventList = z.object({
  data: z.array(eventSchema),
  next_cursor: nextCursorSchema.describe(
    'Give it as cursor to get the next page; null on the last one. With after: give it as after, always there.',
  ),
});

export const eventFilters = {
  type: typeQuery,
  message_id: z.string().max(500).optional(),
  recipient: z.string().max(320).optional(),
};

const afterSchema = z.string().max(500);

export const eventQuery = z.strictObject({
  ...pageQuery,
  ...eventFilters,
  ...rangeFields,
  after: afterSchema
    .optional()
    .describe(
      'Reads the log in its order instead: the events behind this place, the oldest first. start, now, or the next_cursor of the answer before.',
    ),
  wait: z
    .string()
    .max(20)
    .optional()
    .describe('With after: how long to wait for the first event when there is none, at most 60s.'),
});

export const streamQuery = z.strictObject({
  ...eventFilters,
  after: afterSchema
    .optional()
    .describe('Where to begin: start, now (the default), or a place that an id gave.'),
});
