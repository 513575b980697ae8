import { z } from 'zod';
import { timeOfId } from '../../../core/ids.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { EventLog } from '../../../store/log/event-log.ts';
import type { DeadLetters } from '../../../store/webhooks/dead-letters.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import { defineRoute, type Route } from '../../route.ts';
import { checkErrorCode, readEndpointFilter } from '../filters.ts';
import { timestampSchema } from '../schemas.ts';
import type { EndpointUrls } from './delivery-json.ts';

/** The newest ones are counted, in some 200 ms. */
const COUNTED_ROWS = 50_000;
/** What one request drops: more than that is asked for again. */
const DROP_LIMIT = 50_000;

const groupSchema = z.object({
  endpoint_id: z.string(),
  endpoint_url: z.string().nullable().describe('null when the endpoint was deleted.'),
  status: z.enum(['enabled', 'disabled', 'deleted']),
  error_code: z.string().nullable().describe('Of the latest attempt.'),
  count: z.number().int(),
  first_event_at: timestampSchema.describe('When the oldest of their events was taken.'),
  last_event_at: timestampSchema,
});

const dropBody = z.strictObject({
  endpoint_id: z.string().max(200).describe('The id or uid of an endpoint.'),
  error_code: z.string().max(100).optional().describe('Only those whose latest attempt had it.'),
});

export function createDeadLetterRoutes(deps: {
  deadLetters: DeadLetters;
  directory: Pick<EndpointDirectory, 'find' | 'lookUp'>;
  endpointUrls: EndpointUrls;
  log: Pick<EventLog, 'append'>;
  now: () => number;
}): Route[] {
  const { deadLetters, directory } = deps;
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/dead-letters',
      auth: 'read',
      group: 'Deliveries',
      summary: 'What was given up, by endpoint and reason',
      description:
        'The largest group first. GET /v1/deliveries?state=dead with endpoint_id and error_code lists one; POST /v1/endpoints/{id}/replay with states and error_code sends it again.',
      responses: {
        200: {
          description: 'The groups.',
          schema: z.object({
            data: z.array(groupSchema),
            at_least: z.boolean().describe('Only the newest 50,000 were counted: there are more.'),
          }),
        },
      },
      async handle({ projectId }) {
        const { groups, isAtLeast } = await deadLetters.groups(projectId, COUNTED_ROWS);
        const data = groups.map((one) => ({
          endpoint_id: one.endpointId,
          endpoint_url: deps.endpointUrls(projectId, one.endpointId),
          status: directory.find(projectId, one.endpointId)?.record.status ?? ('deleted' as const),
          error_code: one.errorCode,
          count: one.count,
          first_event_at: toTimestamp(timeOfId(one.firstEventId)),
          last_event_at: toTimestamp(timeOfId(one.lastEventId)),
        }));
        return { status: 200, body: { data, at_least: isAtLeast } };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/dead-letters/drop',
      auth: 'manage',
      group: 'Deliveries',
      summary: 'Drop what was given up',
      description: `Dead deliveries of an endpoint become canceled: they stay on record, and nobody is reminded of them. At most ${DROP_LIMIT.toLocaleString('en')} at a time; "more" says whether to ask again.`,
      body: dropBody,
      responses: {
        200: {
          description: 'How many.',
          schema: z.object({ dropped: z.number().int(), more: z.boolean() }),
        },
      },
      async handle({ projectId, body, remember }) {
        const [endpointId] = readEndpointFilter(directory, projectId, body.endpoint_id, '/') ?? [];
        if (endpointId === undefined) {
          throw new PosthornError('not_found', `There is no endpoint ${body.endpoint_id}.`);
        }
        const errorCode = checkErrorCode(body.error_code, '/');
        const which = { projectId, endpointId, errorCode, nowMs: deps.now() };
        const answer = { status: 200, body: await deadLetters.drop(which, DROP_LIMIT) };
        await deps.log.append([], remember(answer));
        return answer;
      },
    }),
  ];
}
