import { z } from 'zod';
import { createContentFilterSchema } from '../../../core/events/content-filter-fields.ts';
import { explainEventPattern } from '../../../core/events/event-filter.ts';
import { nearestName } from '../../../core/nearest-name.ts';
import { findSinkPreset, SINK_PRESETS } from '../../../sinks/presets/sink-presets.ts';
import { findSinkKind, SINK_KINDS } from '../../../sinks/sink-kinds.ts';
import { transformationField } from '../preview-events.ts';
import { lineOf } from '../schemas.ts';

/** The fields of a sink as they come in, each with its limits. */

const KIND_NAMES = SINK_KINDS.map(({ kind }) => kind);
const PRESET_NAMES = SINK_PRESETS.map(({ preset }) => preset);

/** `what`: "kind". */
function nameField(what: string, names: readonly string[], isKnown: (text: string) => boolean) {
  return z
    .string()
    .max(100)
    .superRefine((text, context) => {
      if (isKnown(text)) return;
      const nearest = nearestName(text, names);
      const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
      context.addIssue({
        code: 'custom',
        message: `There is no ${what} ${JSON.stringify(text)}.${hint} There are: ${names.join(', ')}.`,
      });
    });
}

export const kindField = nameField(
  'kind',
  KIND_NAMES,
  (text) => findSinkKind(text) !== null,
).describe(`Where events go: ${KIND_NAMES.join(', ')}. GET /v1/sink-kinds has their settings.`);

export const presetField = nameField(
  'preset',
  PRESET_NAMES,
  (text) => findSinkPreset(text) !== null,
).describe(
  `In place of kind: a sink with everything filled in for one API: ${PRESET_NAMES.join(', ')}. The settings are those of the preset then; GET /v1/sink-presets has them.`,
);

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
