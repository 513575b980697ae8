import { z } from 'zod';
import { toTimestamp } from '../../../lib/clock.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { ReplayParams } from '../../../store/jobs/jobs.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import { REPLAY_LIMIT, REPLAY_RATE, type Replay } from '../../../webhooks/jobs/replay.ts';
import { defineRoute, type Route, type RouteAnswer, type RouteRequest } from '../../route.ts';
import {
  checkErrorCode,
  expandTypes,
  findEndpoint,
  rangeFields,
  readRange,
  refuseField,
} from '../filters.ts';
import { idParam } from '../schemas.ts';
import { jobSchema } from './job-json.ts';
import { type JobDeps, startJob } from './start-job.ts';

/** Those that somebody may want again; what is in flight is on its way. */
const REPLAYED_STATES = ['dead', 'skipped', 'canceled', 'delivered', 'retrying'] as const;
const MAX_RATE = 10_000;

const fields = {
  ...rangeFields,
  event_types: z
    .array(z.string().max(100))
    .min(1)
    .max(100)
    .optional()
    .describe('Only events of these types or families. Without it all.'),
  states: z
    .array(z.enum(REPLAYED_STATES))
    .min(1)
    .default(['dead', 'skipped'])
    .describe('Only deliveries in these states.'),
  message_id: z.string().max(500).optional().describe('Only events of this message.'),
  error_code: z
    .string()
    .max(100)
    .optional()
    .describe('Only deliveries whose latest attempt had it.'),
  include_missing: z
    .boolean()
    .default(false)
    .describe(
      'Also events that match the filter of an endpoint today and were never owed to it, because it did not exist yet or had another filter.',
    ),
  rate: z
    .number()
    .int()
    .min(1)
    .max(MAX_RATE)
    .default(REPLAY_RATE)
    .describe("Deliveries a second. The endpoint's own limits hold beside it."),
  dry_run: z.boolean().default(false).describe('Only count what would be sent.'),
};

const oneEndpointBody = z.strictObject(fields).prefault({});
const replayBody = z.strictObject({
  endpoint_id: z
    .string()
    .max(200)
    .optional()
    .describe('The id or uid of an endpoint. Without it all that are enabled.'),
  ...fields,
});

type ReplayBody = z.output<typeof oneEndpointBody>;

const countSchema = z.object({
  dry_run: z.literal(true),
  deliveries: z.number().int().describe('That were owed, and would be made again.'),
  missing: z.number().int().describe('Events that were never owed, and would be.'),
});

export function createReplayRoutes(
  deps: JobDeps & { replay: Pick<Replay, 'count'>; directory: Pick<EndpointDirectory, 'lookUp'> },
): Route[] {
  const { directory } = deps;

  /** The endpoint that is named; null for all. Throws when nothing could be sent to it. */
  function findTarget(projectId: string, idOrUid: string): string {
    const { record } = findEndpoint(directory, projectId, idOrUid);
    if (record.status === 'enabled') return record.id;
    const detail = `The endpoint ${record.id} is disabled. Enable it first (PATCH /v1/endpoints/${record.id}), then replay what it missed.`;
    throw new PosthornError('conflict', detail);
  }

  function toParams(endpointId: string | null, body: ReplayBody): ReplayParams {
    const { sinceMs, untilMs } = readRange(body, '/');
    // What comes from now on is not meant, and would give the job no end.
    const nowMs = deps.now() + 1;
    if (sinceMs !== null && sinceMs >= nowMs) refuseField('/since', 'This time is yet to come.');
    if (body.error_code !== undefined && body.include_missing) {
      refuseField('/error_code', 'What was never owed has no error: leave out include_missing.');
    }
    if (body.event_types !== undefined) expandTypes(body.event_types, '/event_types');
    return {
      endpointId,
      sinceMs,
      untilMs: Math.min(untilMs ?? nowMs, nowMs),
      eventTypes: body.event_types ?? null,
      states: [...new Set(body.states)],
      messageId: body.message_id ?? null,
      errorCode: checkErrorCode(body.error_code, '/'),
      includeMissing: body.include_missing,
    };
  }

  async function begin(
    { projectId, remember }: Pick<RouteRequest, 'projectId' | 'remember'>,
    endpointId: string | null,
    body: ReplayBody,
  ): Promise<RouteAnswer> {
    const params = toParams(endpointId, body);
    const { deliveries, missing, isTooMuch } = await deps.replay.count(projectId, params);
    if (isTooMuch) refuseTooMuch(params);
    if (body.dry_run) return { status: 200, body: { dry_run: true, deliveries, missing } };
    const total = deliveries + missing;
    if (total === 0) throw new PosthornError('nothing_found', describeNothing(params));
    const asked = { kind: 'replay', projectId, params, ratePerSecond: body.rate, total } as const;
    return startJob(deps, asked, remember);
  }

  const shared = {
    method: 'POST',
    auth: 'manage',
    group: 'Jobs',
    responses: {
      200: { description: 'With dry_run: what would be sent.', schema: countSchema },
      202: { description: 'The job that does it.', schema: jobSchema },
    },
  } as const;
  const description =
    'Makes deliveries again, by default those that are dead or skipped, in the order of their events, under the same ids and with the same bytes. The answer is a job: GET /v1/jobs/{id} shows how far it has come, and it can be paused, resumed and canceled.';

  return [
    defineRoute({
      ...shared,
      path: '/v1/replays',
      summary: 'Send events again',
      description,
      body: replayBody,
      async handle({ body: { endpoint_id, ...body }, ...request }) {
        const { projectId } = request;
        const endpointId = endpoint_id === undefined ? null : findTarget(projectId, endpoint_id);
        return begin(request, endpointId, body);
      },
    }),
    defineRoute({
      ...shared,
      path: '/v1/endpoints/{id}/replay',
      summary: 'Send events to one endpoint again',
      description,
      params: idParam('id', 'endpoint, or its uid'),
      body: oneEndpointBody,
      async handle({ body, params, ...request }) {
        return begin(request, findTarget(request.projectId, String(params['id'])), body);
      },
    }),
  ];
}

function refuseTooMuch({ includeMissing }: ReplayParams): never {
  const limit = includeMissing
    ? `${REPLAY_LIMIT.missing.toLocaleString('en')} events`
    : `${REPLAY_LIMIT.owed.toLocaleString('en')} deliveries`;
  return refuseField(
    '/since',
    `A replay looks at ${limit} at most, and in this range there are more. Name an endpoint, or replay one part after the other with since and until.`,
  );
}

function describeNothing(params: ReplayParams): string {
  const { endpointId, sinceMs, untilMs, states, eventTypes, messageId, includeMissing } = params;
  const { errorCode } = params;
  const parts = [
    `deliveries that are ${states.join(' or ')}`,
    ...(includeMissing ? ['and events that match today and were never owed,'] : []),
    endpointId === null ? 'of all enabled endpoints' : `of endpoint ${endpointId}`,
    ...(sinceMs === null ? [] : [`since ${toTimestamp(sinceMs)}`]),
    `until ${toTimestamp(untilMs)}`,
    ...(eventTypes === null ? [] : [`of the types ${eventTypes.join(', ')}`]),
    ...(messageId === null ? [] : [`of message ${messageId}`]),
    ...(errorCode === null ? [] : [`with the error ${errorCode}`]),
  ];
  return `There is nothing to replay. Looked for ${parts.join(' ')}. GET /v1/deliveries shows what there is.`;
}
