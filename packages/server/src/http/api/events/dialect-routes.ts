import type { CanonicalEvent } from '@posthorn/sdk';
import { z } from 'zod';
import { isId } from '../../../core/ids.ts';
import { dialectOf } from '../../../core/webhooks/dialects.ts';
import { DIALECTS, type DialectName } from '../../../core/webhooks/endpoint-settings.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { Events } from '../../../store/log/events.ts';
import { defineRoute, type Route } from '../../route.ts';
import { idParam } from '../schemas.ts';

const shownSchema = z.object({
  dialect: z.enum(DIALECTS),
  headers: z
    .array(z.object({ name: z.string(), value: z.string() }))
    .describe('Those of the format. What Posthorn puts before them, and signatures, are left out.'),
  body: z.string().nullable().describe('null: the dialect has no word for such an event.'),
});

/** One event in every format that an endpoint can have. */
export function createDialectRoutes(deps: { events: Pick<Events, 'get'> }): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/events/{id}/dialects',
      auth: 'read',
      group: 'Events',
      summary: 'One event in each dialect',
      description:
        'As an endpoint with this dialect gets it, with the options that it has by default and before it is signed.',
      params: idParam('id', 'event'),
      responses: {
        200: { description: 'The event.', schema: z.object({ data: z.array(shownSchema) }) },
      },
      async handle({ projectId, params }) {
        const id = String(params['id']);
        const event = isId('event', id) ? await deps.events.get(projectId, id) : null;
        if (event === null) throw new PosthornError('not_found', `There is no event ${id}.`);
        const data = DIALECTS.map((name) => showAs(name, event, projectId));
        return { status: 200, body: { data } };
      },
    }),
  ];
}

function showAs(
  name: DialectName,
  event: CanonicalEvent,
  projectId: string,
): z.output<typeof shownSchema> {
  const { carries, lists, encode } = dialectOf(name);
  if (carries[event.type] === undefined) return { dialect: name, headers: [], body: null };
  const batch = { events: [event], isList: typeof lists === 'object' };
  const { body, headers } = encode(batch, { projectId, options: {} });
  const pairs = Array.from({ length: headers.length / 2 }, (_, i) => ({
    name: headers[2 * i] ?? '',
    value: headers[2 * i + 1] ?? '',
  }));
  return { dialect: name, headers: pairs, body };
}
