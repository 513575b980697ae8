import { type CanonicalEvent, EVENT_TYPES, type EventType } from '@posthorn/sdk';
import { z } from 'zod';
import {
  COMMON_FIELDS,
  EVENT_CATALOGUE,
  EVENT_CATEGORIES,
  explainUnknownType,
  isEventType,
} from '../../../core/events/event-catalogue.ts';
import { sampleEvent } from '../../../core/events/event-samples.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { JsonObject } from '../../openapi.ts';
import { defineRoute, type Route } from '../../route.ts';
import { timestampSchema } from '../schemas.ts';
import { dataShape } from './event-data-schema.ts';
import { eventSchema } from './event-schema.ts';

/** The examples of the catalogue all happened at this moment, which their ids begin with. */
const EXAMPLE = {
  id: 'evt_01M7ZP27YYSGFWD5FYXB75Q5B6',
  atMs: Date.UTC(2026, 10, 21, 18, 31, 57, 662),
};

const eventTypeSchema = z.object({
  type: z.enum(EVENT_TYPES),
  category: z.enum(EVENT_CATEGORIES),
  description: z.string(),
  terminal: z.boolean().describe('Whether the message ends here for the recipient.'),
  schema: z.looseObject({}).describe('JSON Schema (2020-12) of such an event.'),
  example: eventSchema,
});

interface EventTypeJson extends Omit<z.output<typeof eventTypeSchema>, 'example'> {
  example: CanonicalEvent;
}

/** What there is to subscribe to, with the shape of each and an example. */
export function createEventTypeRoutes(): Route[] {
  /** Nothing of it changes while the process runs. */
  const described = new Map<EventType, EventTypeJson>();
  function describe(type: EventType): EventTypeJson {
    const known = described.get(type);
    if (known !== undefined) return known;
    const { category, description, terminal } = EVENT_CATALOGUE[type];
    const schema = createEventJsonSchema(type);
    const example = sampleEvent(type, EXAMPLE);
    const entry = { type, category, description, terminal, schema, example };
    described.set(type, entry);
    return entry;
  }

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/event-types',
      auth: 'read',
      group: 'Events',
      summary: 'List event types',
      description: 'All of them, each with its JSON Schema and an example.',
      responses: {
        200: { description: 'The types.', schema: z.object({ data: z.array(eventTypeSchema) }) },
      },
      handle: async () => ({ status: 200, body: { data: EVENT_TYPES.map(describe) } }),
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/event-types/{type}',
      auth: 'read',
      group: 'Events',
      summary: 'One event type',
      params: z.object({ type: z.string().max(200).describe('Such as email.bounced.') }),
      responses: { 200: { description: 'The type.', schema: eventTypeSchema } },
      async handle({ params: { type } }) {
        if (!isEventType(type)) throw new PosthornError('not_found', explainUnknownType(type));
        return { status: 200, body: describe(type) };
      },
    }),
  ];
}

/**
 * The schema of an event as endpoints get it, made of the one that POST /v1/events checks with. It
 * takes more: an event of our own may be longer than what comes in may be, and may get further fields
 * in a later version.
 */
function createEventJsonSchema(type: EventType): JsonObject {
  const { blocks, description } = EVENT_CATALOGUE[type];
  const fields = [...COMMON_FIELDS, ...blocks];
  const data = z.object({
    ...Object.fromEntries(fields.map((field) => [field, dataShape[field]])),
    provider: dataShape.provider.unwrap(),
    received_at: timestampSchema,
  });
  const event = z.object({
    id: z.string().describe('evt_ and a ULID. Never changes: your key for deduplication.'),
    type: z.literal(type),
    timestamp: timestampSchema.describe('When it happened.'),
    data,
  });
  const { $schema, ...schema } = z.toJSONSchema(event, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      for (const limit of INPUT_LIMITS) delete jsonSchema[limit];
    },
  });
  return { $schema, title: type, description, ...schema };
}

/** The pattern of a time says what its format says, in more words than the rest of the schema. */
const INPUT_LIMITS = [
  'additionalProperties',
  'default',
  'maxItems',
  'maxLength',
  'maximum',
  'minimum',
  'pattern',
] as const;
