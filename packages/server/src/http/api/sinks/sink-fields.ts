import { z } from 'zod';
import { createContentFilterSchema } from '../../../core/events/content-filter-fields.ts';
import { explainEventPattern } from '../../../core/events/event-filter.ts';
import { nearestName } from '../../../core/nearest-name.ts';
import { findSinkKind, SINK_KINDS } from '../../../sinks/sink-kinds.ts';
import { transformationField } from '../preview-events.ts';
import { lineOf } from '../schemas.ts';

/** The fields of a sink as they come in, each with its limits. */

const KIND_NAMES = SINK_KINDS.map(({ kind }) => kind);

export const kindField = z
  .string()
  .max(100)
  .superRefine((text, context) => {
    if (findSinkKind(text) !== null) return;
    const nearest = nearestName(text, KIND_NAMES);
    const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
    context.addIssue({
      code: 'custom',
      message: `There is no kind ${JSON.stringify(text)}.${hint} There are: ${KIND_NAMES.join(', ')}.`,
    });
  })
  .describe(`Where events go: ${KIND_NAMES.join(', ')}. GET /v1/sink-kinds has their settings.`);

const patternField = z.string().superRefine((pattern, context) => {
  const detail = explainEventPattern(pattern);
  if (detail !== null) context.addIssue({ code: 'custom', message: detail });
});

/** Null stands for the default, in a change as well as at the creation. */
const fields = {
  name: lineOf(100).min(1).nullable().describe('For people; without it, that of the kind.'),
  settings: z
    .record(z.string(), z.unknown())
    .describe('Of its kind. Of a change, each is merged, and null goes back to its default.'),
  event_types: z
    .array(patternField)
    .min(1, 'Name at least one type, or "*" for all.')
    .max(100)
    .nullable()
    .describe('Which events: types, families such as email.*, or * for all, the default.'),
  filter: z
    .unknown()
    .meta({ anyOf: [createContentFilterSchema(), { type: 'null' }] })
    .describe('Which of them, by what is in them.'),
  transformation: transformationField
    .nullable()
    .describe('JSONata that makes what is sent of an event; what gives nothing is not sent.'),
  paused: z.boolean().describe('Nothing is sent, and its place in the log is kept.'),
};

const optionalSchema = z.strictObject(fields).partial();

export const optionalShape = optionalSchema.shape;

export type SinkFields = z.output<typeof optionalSchema>;

export const sinkParam = z.object({ id: z.string().max(200).describe('The id of the sink.') });
