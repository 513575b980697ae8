import { z } from 'zod';
import { isId, parseDeliveryId } from '../../../core/ids.ts';
import { DELIVERY_STATES } from '../../../core/webhooks/delivery-state.ts';
import { PosthornError } from '../../../lib/errors.ts';
import { StoreConflict } from '../../../store/engine.ts';
import type { Events } from '../../../store/log/events.ts';
import type { DeliveriesTable } from '../../../store/tables.ts';
import type { Deliveries } from '../../../store/webhooks/deliveries.ts';
import type { DeliveryKey } from '../../../store/webhooks/delivery-queries/delivery-filter.ts';
import type { Dispatcher } from '../../../webhooks/dispatcher.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import { makePreview } from '../../../webhooks/transform/preview.ts';
import type { EvaluateText } from '../../../webhooks/transform/transform-unit.ts';
import { defineRoute, type Route } from '../../route.ts';
import {
  checkErrorCode,
  rangeFields,
  readEndpointFilter,
  readRange,
  readTypes,
  toIdRange,
  typeQuery,
} from '../filters.ts';
import { deliverySchema, fullAttemptSchema } from '../messages/message-schema.ts';
import { idParam, keyOfCursor, nextCursorSchema, pageQuery } from '../schemas.ts';
import { type EndpointUrls, toDeliveryJson, toFullAttemptJson } from './delivery-json.ts';

const listQuery = z.strictObject({
  ...pageQuery,
  state: z.enum(DELIVERY_STATES).optional().describe('dead: the dead letters.'),
  endpoint_id: z.string().max(100).optional().describe('The id or uid of an endpoint.'),
  event_id: z.string().max(100).optional(),
  type: typeQuery,
  message_id: z.string().max(500).optional(),
  error_code: z.string().max(100).optional().describe('The error of the latest attempt.'),
  ...rangeFields,
});

export function createDeliveryRoutes(deps: {
  deliveries: Pick<Deliveries, 'list' | 'get' | 'attempts' | 'requeue'>;
  events: Pick<Events, 'body'>;
  directory: Pick<EndpointDirectory, 'find' | 'lookUp'>;
  dispatcher: Pick<Dispatcher, 'wake'>;
  endpointUrls: EndpointUrls;
  evaluateText: EvaluateText;
  now: () => number;
}): Route[] {
  const { deliveries, directory, endpointUrls } = deps;

  async function find(projectId: string, id: string): Promise<DeliveriesTable> {
    const key = parseDeliveryId(id);
    const row = key === null ? null : await deliveries.get(projectId, key.eventId, key.endpointId);
    if (row === null) throw new PosthornError('not_found', `There is no delivery ${id}.`);
    return row;
  }

  /** The event as the endpoint gets it; null when retention has taken it, or it cannot get it. */
  async function bodyOf({ project_id, event_id, endpoint_id }: DeliveriesTable) {
    const body = await deps.events.body(project_id, event_id);
    const endpoint = directory.find(project_id, endpoint_id);
    if (body === null || endpoint === null) return body;
    const made = await makePreview(body, endpoint, deps.evaluateText);
    return 'text' in made ? made.text : null;
  }

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/deliveries',
      auth: 'read',
      group: 'Deliveries',
      summary: 'List deliveries',
      description:
        'One event owed to one endpoint is a delivery. The newest first. Filters that match little may give a page that is short or empty and still has a next_cursor: go on with it.',
      query: listQuery,
      responses: {
        200: {
          description: 'A page of deliveries.',
          schema: z.object({ data: z.array(deliverySchema), next_cursor: nextCursorSchema }),
        },
      },
      async handle({ projectId, query }) {
        const { rows, nextCursor } = await deliveries.list({
          projectId,
          limit: query.limit,
          beforeId: readDeliveryCursor(query.cursor),
          states: query.state === undefined ? null : [query.state],
          endpointIds: readEndpointFilter(directory, projectId, query.endpoint_id),
          eventId: query.event_id ?? null,
          messageKey: query.message_id ?? null,
          types: readTypes(query.type),
          errorCode: checkErrorCode(query.error_code),
          ...toIdRange(readRange(query, '?')),
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
      summary: 'One delivery, with its attempts in full',
      params: idParam('id', 'delivery'),
      query: z.strictObject({
        include: z.literal('body', 'There is only include=body.').optional(),
      }),
      responses: {
        200: {
          description: 'The delivery.',
          schema: deliverySchema.extend({
            attempts: z.array(fullAttemptSchema),
            body: z
              .string()
              .nullable()
              .optional()
              .describe(
                'With include=body: the event as this endpoint gets it, byte for byte; a signature that stands in the body (mailgun, ses) is not in it.',
              ),
          }),
        },
      },
      async handle({ projectId, params, query }) {
        const row = await find(projectId, String(params['id']));
        const endpoint = directory.find(projectId, row.endpoint_id);
        const all = await deliveries.attempts(projectId, [row.event_id]);
        const attempts = all
          .filter((one) => one.endpoint_id === row.endpoint_id)
          .map((one) => toFullAttemptJson(one, endpoint));
        const body = query.include === undefined ? {} : { body: await bodyOf(row) };
        return { status: 200, body: { ...toDeliveryJson(row, endpointUrls), attempts, ...body } };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/deliveries/{id}/retry',
      auth: 'manage',
      group: 'Deliveries',
      summary: 'Try a delivery again now',
      description:
        'Whatever became of it before: a dead one starts its ladder anew, a delivered one is sent again under the same id. For many at once: POST /v1/replays.',
      params: idParam('id', 'delivery'),
      responses: { 202: { description: 'Due now.', schema: deliverySchema } },
      async handle({ projectId, params, remember }) {
        const row = await find(projectId, String(params['id']));
        const { event_id: eventId, endpoint_id: endpointId } = row;
        if (endpointUrls(projectId, endpointId) === null) {
          throw new PosthornError('conflict', 'The endpoint of this delivery was deleted.');
        }
        const nowMs = deps.now();
        const isInLine = row.state === 'pending' && row.due_at === null;
        const dueAtMs = isInLine ? null : nowMs;
        const due = { ...row, state: 'pending' as const, due_at: dueAtMs, ended_at: null };
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

export function readDeliveryCursor(cursor: string | undefined): DeliveryKey | null {
  const key = keyOfCursor(cursor, (text) => parsePageKey(text) !== null);
  return key === null ? null : parsePageKey(key);
}

/** `evt_.../ep_...`, as the list of deliveries is sorted. */
function parsePageKey(key: string): DeliveryKey | null {
  const [eventId = '', endpointId = '', ...rest] = key.split('/');
  const isKey = isId('event', eventId) && isId('endpoint', endpointId) && rest.length === 0;
  return isKey ? { eventId, endpointId } : null;
}
