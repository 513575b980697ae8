import { z } from 'zod';
import { isId, parseDeliveryId } from '../../core/ids.ts';
import { PosthornError } from '../../lib/errors.ts';
import type { Deliveries } from '../../store/deliveries.ts';
import { StoreConflict } from '../../store/engine.ts';
import type { DeliveriesTable } from '../../store/tables.ts';
import type { Dispatcher } from '../../webhooks/dispatcher.ts';
import { defineRoute, type Route } from '../route.ts';
import { type EndpointUrls, toAttemptJson, toDeliveryJson } from './delivery-json.ts';
import { attemptSchema, deliverySchema } from './message-schema.ts';
import { idParam, keyOfCursor, nextCursorSchema, pageQuery } from './schemas.ts';

const listQuery = z.strictObject({
  ...pageQuery,
  state: z
    .enum(['pending', 'delivered', 'dead', 'skipped', 'canceled'])
    .optional()
    .describe('dead: the dead letters.'),
  endpoint_id: z.string().max(100).optional(),
  event_id: z.string().max(100).optional(),
});

export function createDeliveryRoutes(deps: {
  deliveries: Pick<Deliveries, 'list' | 'get' | 'attempts' | 'requeue'>;
  dispatcher: Pick<Dispatcher, 'wake'>;
  endpointUrls: EndpointUrls;
  now: () => number;
}): Route[] {
  const { deliveries, endpointUrls } = deps;

  async function find(projectId: string, id: string): Promise<DeliveriesTable> {
    const key = parseDeliveryId(id);
    const row = key === null ? null : await deliveries.get(projectId, key.eventId, key.endpointId);
    if (row === null) throw new PosthornError('not_found', `There is no delivery ${id}.`);
    return row;
  }

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/deliveries',
      auth: 'read',
      group: 'Deliveries',
      summary: 'List deliveries',
      description: 'One event owed to one endpoint is a delivery. The newest first.',
      query: listQuery,
      responses: {
        200: {
          description: 'A page of deliveries.',
          schema: z.object({ data: z.array(deliverySchema), next_cursor: nextCursorSchema }),
        },
      },
      async handle({ projectId, query }) {
        const key = keyOfCursor(query.cursor, (text) => parsePageKey(text) !== null);
        const beforeId = key === null ? null : parsePageKey(key);
        const { rows, nextCursor } = await deliveries.list({
          projectId,
          limit: query.limit,
          beforeId,
          state: query.state ?? null,
          endpointId: query.endpoint_id ?? null,
          eventId: query.event_id ?? null,
        });
        const data = rows.map((row) => toDeliveryJson(row, endpointUrls));
        return { status: 200, body: { data, next_cursor: nextCursor } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/deliveries/{id}',
      auth: 'read',
      group: 'Deliveries',
      summary: 'One delivery, with its attempts',
      params: idParam('id', 'delivery'),
      responses: {
        200: {
          description: 'The delivery.',
          schema: deliverySchema.extend({ attempts: z.array(attemptSchema) }),
        },
      },
      async handle({ projectId, params }) {
        const row = await find(projectId, String(params['id']));
        const attempts = await deliveries.attempts(projectId, [row.event_id]);
        const own = attempts
          .filter((one) => one.endpoint_id === row.endpoint_id)
          .map(toAttemptJson);
        return { status: 200, body: { ...toDeliveryJson(row, endpointUrls), attempts: own } };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/deliveries/{id}/retry',
      auth: 'manage',
      group: 'Deliveries',
      summary: 'Try a delivery again now',
      description:
        'Whatever became of it before: a dead one starts its ladder anew, a delivered one is sent again under the same id.',
      params: idParam('id', 'delivery'),
      responses: { 202: { description: 'Due now.', schema: deliverySchema } },
      async handle({ projectId, params, remember }) {
        const row = await find(projectId, String(params['id']));
        const { event_id: eventId, endpoint_id: endpointId } = row;
        if (endpointUrls(projectId, endpointId) === null) {
          throw new PosthornError('conflict', 'The endpoint of this delivery was deleted.');
        }
        const nowMs = deps.now();
        const due = { ...row, state: 'pending' as const, due_at: nowMs, ended_at: null };
        const answer = { status: 202, body: toDeliveryJson(due, endpointUrls) };
        try {
          await deliveries.requeue({ projectId, eventId, endpointId }, nowMs, remember(answer));
        } catch (error) {
          if (!(error instanceof StoreConflict)) throw error;
          const detail =
            'An attempt of this delivery is under way right now. Look again in a moment.';
          throw new PosthornError('conflict', detail, { cause: error });
        }
        deps.dispatcher.wake(projectId, endpointId, nowMs);
        return answer;
      },
    }),
  ];
}

/** `evt_.../ep_...`, as the list of deliveries is sorted. */
function parsePageKey(key: string): { eventId: string; endpointId: string } | null {
  const [eventId = '', endpointId = '', ...rest] = key.split('/');
  const isKey = isId('event', eventId) && isId('endpoint', endpointId) && rest.length === 0;
  return isKey ? { eventId, endpointId } : null;
}
