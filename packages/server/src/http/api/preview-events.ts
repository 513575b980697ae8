import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import { z } from 'zod';
import type { PreviewLine } from '../../core/preview-line.ts';
import { explainExpression } from '../../lib/expression/evaluator.ts';
import type { Events } from '../../store/log/events.ts';
import { typeSchema } from './events/event-data-schema.ts';

/** What endpoints and sinks share: transformations, and what would become of past events by them. */

export const transformationField = z.string().superRefine((text, context) => {
  const detail = explainExpression(text);
  if (detail !== null) context.addIssue({ code: 'custom', message: detail });
});

export const previewLimit = z
  .int()
  .min(1)
  .max(50)
  .default(10)
  .describe('How many of the latest events.');

export const previewSchema = z.object({
  data: z.array(
    z.object({
      event_id: z.string(),
      event_type: typeSchema,
      outcome: z.enum(['sent', 'left_out', 'failed']),
      body: z.unknown(),
      error: z.string().nullable(),
    }),
  ),
});

export async function latestEvents(
  events: Pick<Events, 'list'>,
  projectId: string,
  limit: number,
): Promise<CanonicalEvent[]> {
  const query = { projectId, limit, beforeId: null, types: [], messageKey: null };
  return (await events.list({ ...query, recipient: null })).rows;
}

export function toPreviewJson(lines: readonly PreviewLine[]): z.input<typeof previewSchema> {
  return {
    data: lines.map(({ eventId, eventType, outcome, body, error }) => {
      const ofEvent = { event_id: eventId, event_type: eventType as EventType };
      return { ...ofEvent, outcome, body, error };
    }),
  };
}
