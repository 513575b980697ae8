import { z } from 'zod';
import { sampleEvent } from '../../../core/event-samples.ts';
import { deliveryId, type Ids } from '../../../core/ids.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { EventLog } from '../../../store/event-log.ts';
import { defineRoute, type Route } from '../../route.ts';
import { typeSchema } from '../event-data-schema.ts';
import type { EndpointAccess } from './endpoint-access.ts';
import { endpointParam } from './endpoint-fields.ts';

const testBody = z
  .strictObject({
    type: typeSchema
      .default('system.test')
      .describe('Which event to send a sample of; GET /v1/event-types lists them.'),
  })
  .prefault({});

export function createEndpointTestRoutes(deps: {
  access: EndpointAccess;
  log: Pick<EventLog, 'append'>;
  ids: Ids;
  now: () => number;
}): Route[] {
  const { access, ids, log, now } = deps;
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/endpoints/{id}/test',
      auth: 'manage',
      group: 'Endpoints',
      summary: 'Send a test event',
      description:
        'A sample of this type, marked by data.test, goes through the log to this endpoint alone, whatever its filter. What became of it stands at GET /v1/deliveries/{delivery_id}.',
      params: endpointParam,
      body: testBody,
      responses: {
        202: {
          description: 'On its way.',
          schema: z.object({ event_id: z.string(), delivery_id: z.string() }),
        },
      },
      async handle({ projectId, params, body, remember }) {
        const { id, uid, url, description, status } = access.find(projectId, params.id).record;
        if (status === 'disabled') {
          const detail = 'This endpoint is disabled. Enable it first: PATCH {"status": "enabled"}.';
          throw new PosthornError('conflict', detail);
        }
        const eventId = ids.next('event');
        const endpoint = { id, uid, url, description };
        const sample = sampleEvent(body.type, { id: eventId, atMs: now(), endpoint });
        // The log gives the position itself.
        const { sequence: _s, state: _t, previous_state: _p, ...data } = sample.data;
        const answer = {
          status: 202,
          body: { event_id: eventId, delivery_id: deliveryId(eventId, id) },
        };
        const event = { ...sample, data };
        await log.append([{ projectId, event, dedupKey: null, onlyTo: id }], remember(answer));
        return answer;
      },
    }),
  ];
}
