import { z } from 'zod';
import { timeOfId } from '../../../core/ids.ts';
import { DELIVERY_STATES, type ShownDeliveryState } from '../../../core/webhooks/delivery-state.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import type { Deliveries } from '../../../store/webhooks/deliveries.ts';
import {
  ANY_DELIVERY,
  type DeliveryFilter,
  type DeliveryKey,
} from '../../../store/webhooks/delivery-queries/delivery-filter.ts';
import type { Queue, QueueDepth } from '../../../store/webhooks/queue.ts';
import { lagOf, totalOf } from '../../../webhooks/backlog/backlog-monitor.ts';
import type { Dispatcher } from '../../../webhooks/dispatcher.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import { defineRoute, type Route } from '../../route.ts';
import { findEndpoint, rangeFields, readRange, toIdRange } from '../filters.ts';
import { deliverySchema } from '../messages/message-schema.ts';
import { idParam, nextCursorSchema, pageQuery, timestampSchema } from '../schemas.ts';
import { type EndpointUrls, toDeliveryJson } from './delivery-json.ts';
import { readDeliveryCursor } from './delivery-routes.ts';

/** Deliveries that are counted for the gaps of an endpoint, in some 200 ms. */
const COUNTED_ROWS = 100_000;

const MISSING = DELIVERY_STATES.filter((state) => state !== 'delivered');

const countsSchema = z.object(
  Object.fromEntries(DELIVERY_STATES.map((state) => [state, z.number().int()])) as Record<
    ShownDeliveryState,
    z.ZodNumber
  >,
);

const gapsSchema = z.object({
  endpoint_id: z.string(),
  owed: z.number().int(),
  delivered: z.number().int().describe('Acknowledged with a 2xx.'),
  missing: z.number().int().describe('Owed, and not acknowledged.'),
  by_state: countsSchema,
  at_least: z
    .boolean()
    .describe('Only the newest 100,000 deliveries of the range were counted: there are more.'),
  oldest: deliverySchema.nullable().describe('The oldest of the missing ones that were counted.'),
  data: z.array(deliverySchema).describe('The missing ones, the newest first.'),
  next_cursor: nextCursorSchema,
});

const depthFields = {
  depth: z.number().int().describe('All that it still has to get.'),
  at_least: z
    .boolean()
    .describe('Counting stopped at 10,000 for one of the counts: there may be more.'),
  oldest_event_at: timestampSchema.nullable().describe('Of the event that has waited longest.'),
  oldest_age_seconds: z.number(),
  due_since: timestampSchema.nullable().describe('Since when the first is due; null when none is.'),
  lag_seconds: z.number().describe('For how long that is.'),
};

const queueSchema = z.object({
  ...depthFields,
  endpoints: z.number().int().describe('That have something waiting.'),
  data: z.array(
    z.object({
      endpoint_id: z.string(),
      endpoint_uid: z.string().nullable(),
      endpoint_url: z.string().nullable().describe('null when the endpoint was deleted.'),
      status: z.enum(['enabled', 'disabled', 'deleted']),
      ...depthFields,
      due: z.number().int().describe('Due now.'),
      scheduled: z.number().int().describe('Due later: retries.'),
      in_line: z.number().int().describe('Behind an earlier one, since the endpoint wants order.'),
      in_memory: z.number().int().describe('Being posted, or next.'),
      breaker: z
        .object({
          state: z.enum(['closed', 'open', 'recovering']),
          next_probe_at: timestampSchema.nullable(),
        })
        .nullable()
        .describe(
          'Whether the node that answers holds posts back: open after ten failures in a row, with a probe now and then; null where it does not post to it.',
        ),
    }),
  ),
});

export function createQueueRoutes(deps: {
  deliveries: Pick<Deliveries, 'list' | 'get' | 'scan'>;
  queue: Queue;
  directory: Pick<EndpointDirectory, 'find' | 'lookUp'>;
  dispatcher: Pick<Dispatcher, 'breakerOf'>;
  endpointUrls: EndpointUrls;
  now: () => number;
}): Route[] {
  const { deliveries, directory, endpointUrls } = deps;

  async function count(filter: DeliveryFilter) {
    const byState = Object.fromEntries(DELIVERY_STATES.map((state) => [state, 0])) as Record<
      ShownDeliveryState,
      number
    >;
    let oldestEventId: string | null = null;
    let from: DeliveryKey | null = null;
    for (let looked = 0; looked < COUNTED_ROWS; ) {
      const { counts, last, windowRows } = await deliveries.scan.tally(filter, from);
      for (const one of counts) {
        byState[one.state] += one.count;
        if (one.state === 'delivered') continue;
        if (oldestEventId === null || one.oldestEventId < oldestEventId) {
          oldestEventId = one.oldestEventId;
        }
      }
      from = last;
      if (last === null) break;
      looked += windowRows;
    }
    return { byState, oldestEventId, isAtLeast: from !== null };
  }

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/endpoints/{id}/gaps',
      auth: 'read',
      group: 'Endpoints',
      summary: 'What does this endpoint still miss?',
      description:
        'Everything that is owed to it less what it has acknowledged. POST /v1/endpoints/{id}/replay sends what is dead or skipped.',
      params: idParam('id', 'endpoint, or its uid'),
      query: z.strictObject({ ...pageQuery, ...rangeFields }),
      responses: {
        200: { description: 'Counts, and a page of what is missing.', schema: gapsSchema },
      },
      async handle({ projectId, params, query }) {
        const { id } = findEndpoint(directory, projectId, String(params['id'])).record;
        const range = toIdRange(readRange(query, '?'));
        const filter = { ...ANY_DELIVERY, projectId, endpointIds: [id], ...range };
        const beforeId = readDeliveryCursor(query.cursor);
        const { byState, oldestEventId, isAtLeast } = await count(filter);
        const page = { ...filter, states: MISSING, limit: query.limit, beforeId };
        const { rows, nextCursor } = await deliveries.list(page);
        const oldest =
          oldestEventId === null ? null : await deliveries.get(projectId, oldestEventId, id);
        const missing = MISSING.reduce((sum, state) => sum + byState[state], 0);
        const body = {
          endpoint_id: id,
          owed: missing + byState.delivered,
          delivered: byState.delivered,
          missing,
          by_state: byState,
          at_least: isAtLeast,
          oldest: oldest === null ? null : toDeliveryJson(oldest, endpointUrls),
          data: rows.map((row) => toDeliveryJson(row, endpointUrls)),
          next_cursor: nextCursor,
        };
        return { status: 200, body };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/queue',
      auth: 'read',
      group: 'Deliveries',
      summary: 'What waits, for which endpoint, and for how long?',
      description: 'The longest queue first. Endpoints that have nothing waiting are left out.',
      responses: { 200: { description: 'The queue.', schema: queueSchema } },
      async handle({ projectId }) {
        const nowMs = deps.now();
        const depths = await deps.queue.depths(projectId, nowMs);
        const sorted = depths.toSorted((a, b) => totalOf(b) - totalOf(a));
        const data = sorted.map((one) => {
          const endpoint = directory.find(projectId, one.endpointId)?.record;
          return {
            endpoint_id: one.endpointId,
            endpoint_uid: endpoint?.uid ?? null,
            endpoint_url: endpoint?.url ?? null,
            status: endpoint?.status ?? ('deleted' as const),
            ...toDepthJson([one], nowMs),
            due: one.due,
            scheduled: one.scheduled,
            in_line: one.inLine,
            in_memory: one.inMemory,
            breaker: toBreakerJson(deps.dispatcher.breakerOf(one.endpointId)),
          };
        });
        const total = toDepthJson(depths, nowMs);
        return { status: 200, body: { ...total, endpoints: data.length, data } };
      },
    }),
  ];
}

function toBreakerJson(breaker: ReturnType<Dispatcher['breakerOf']>) {
  if (breaker === null) return null;
  const { state, probeAtMs } = breaker;
  return { state, next_probe_at: probeAtMs === null ? null : toTimestamp(probeAtMs) };
}

/** Of one endpoint, or of several together. */
function toDepthJson(depths: readonly QueueDepth[], nowMs: number) {
  const oldest = depths.map(({ oldestEventId }) => oldestEventId).sort()[0];
  const oldestMs = oldest === undefined ? null : timeOfId(oldest);
  const dueMs = depths.flatMap(({ dueSinceMs }) => dueSinceMs ?? []).sort((a, b) => a - b)[0];
  const lagMs = Math.max(0, ...depths.map((one) => lagOf(one, nowMs)));
  return {
    depth: depths.reduce((sum, one) => sum + totalOf(one), 0),
    at_least: depths.some(({ isAtLeast }) => isAtLeast),
    oldest_event_at: oldestMs === null ? null : toTimestamp(oldestMs),
    oldest_age_seconds: oldestMs === null ? 0 : Math.max(0, nowMs - oldestMs) / 1_000,
    due_since: dueMs === undefined ? null : toTimestamp(dueMs),
    lag_seconds: lagMs / 1_000,
  };
}
