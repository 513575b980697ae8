import { z } from 'zod';
import { toTimestamp } from '../../../../lib/clock.ts';
import type { Caller } from '../../../access/authenticate.ts';
import { checkInput } from '../../../check-input.ts';
import { type CallRoute, readPages } from '../call-routes.ts';
import type { ForeignRoute } from '../foreign-api.ts';
import type { AttemptWatch, DeliveryView } from './watch-attempt.ts';
import { invalid, listWebhooks } from './webhook-routes.ts';

const STATUSES = ['1xx', '2xx', '3xx', '4xx', '5xx', 'no_response'] as const;
const DAY_MS = 86_400_000;
const MAX_RANGE_MS = 31 * DAY_MS;
const USUAL_RANGE_MS = 3 * DAY_MS;

const time = z
  .string()
  .regex(
    /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?$/,
    'A time looks like 2026-11-21 or 2026-11-21T16:00:00Z.',
  )
  .refine((text) => !Number.isNaN(Date.parse(text)), 'There is no such day or time.')
  .transform((text) => Date.parse(text));

const batchQuery = z.looseObject({
  created_after: time.optional(),
  created_before: time.optional(),
  // Several at once, or in one text.
  statuses: z
    .union([z.string(), z.array(z.string())])
    .transform((given) => [given].flat().flatMap((text) => text.split(',')))
    .pipe(z.array(z.enum(STATUSES)).max(STATUSES.length))
    .refine((given) => new Set(given).size === given.length, 'Name each status once.')
    .optional(),
  webhook: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(500).default(500),
  offset: z.coerce.number().int().min(0).max(100_000).default(0),
});

/** GET /webhook-batch and POST /webhook-batch/{id}/resend. A delivery of ours is a batch of one event. */
export function createBatchRoutes(deps: {
  callRoute: CallRoute;
  watch: AttemptWatch;
  now: () => number;
}): ForeignRoute[] {
  const { callRoute, watch, now } = deps;

  async function list(caller: Caller, query: z.output<typeof batchQuery>) {
    const { since, until } = readRange(query, now());
    const webhooks = await listWebhooks(callRoute, caller);
    const wanted = webhooks.filter(
      ({ url }) => query.webhook === undefined || url === query.webhook,
    );
    const found: object[] = [];
    let skipped = 0;
    for (const { id } of wanted) {
      const filter = { endpoint_id: id, since, until };
      const rows = readPages<DeliveryView>(callRoute, 'GET /v1/deliveries', {
        caller,
        query: filter,
      });
      for await (const row of rows) {
        // What has not been posted yet is no batch.
        if (row.attempt_count === 0) continue;
        if (query.statuses !== undefined && !query.statuses.includes(classOf(row))) continue;
        if (skipped++ < query.offset) continue;
        found.push(toBatch(row, caller));
        if (found.length === query.limit) return found;
      }
    }
    return found;
  }

  return [
    {
      methods: ['GET'],
      path: '/webhook-batch',
      async handle({ caller, query }) {
        const webhookBatches = await list(caller, checkInput(batchQuery, query, '?'));
        return { status: 200, body: { webhook_batches: webhookBatches } };
      },
    },
    {
      methods: ['POST'],
      path: '/webhook-batch/:id/resend',
      async handle({ caller, params }) {
        const call = { caller, params: { id: params['id'] ?? '' } };
        const before = await callRoute<DeliveryView>('GET /v1/deliveries/{id}', call);
        await callRoute('POST /v1/deliveries/{id}/retry', call);
        const attempt = await watch(caller, before.id, before.attempt_count);
        const body = {
          batch_id: before.id,
          customer_handle: caller.projectId,
          webhook: before.endpoint_url ?? '',
          created_at: before.created_at,
          event_count: 1,
          duration_in_ms: attempt?.latency_ms ?? null,
          status_code: attempt?.status ?? null,
        };
        return { status: 200, body };
      },
    },
  ];
}

function readRange(
  { created_after: after, created_before: before }: z.output<typeof batchQuery>,
  nowMs: number,
): { since: string; until: string } {
  const untilMs = before ?? Math.max(nowMs, (after ?? 0) + 1);
  const sinceMs = after ?? untilMs - USUAL_RANGE_MS;
  if (untilMs <= sinceMs) throw invalid('?created_before: it has to be later than created_after.');
  if (before !== undefined && after !== undefined && untilMs - sinceMs > MAX_RANGE_MS) {
    throw invalid('?created_before: at most 31 days lie between created_after and created_before.');
  }
  return { since: toTimestamp(sinceMs), until: toTimestamp(untilMs) };
}

function classOf({ last_status: status }: DeliveryView): (typeof STATUSES)[number] {
  const digit = status === null ? 0 : Math.floor(status / 100);
  return STATUSES.find((name) => name === `${digit}xx`) ?? 'no_response';
}

function toBatch(row: DeliveryView, { projectId }: Caller): object {
  const kind = classOf(row);
  return {
    batch_id: row.id,
    customer_handle: projectId,
    webhook: row.endpoint_url ?? '',
    status: kind === 'no_response' ? kind : `${kind}_response`,
    ...(row.last_status === null ? {} : { status_code: row.last_status }),
    created_at: row.created_at,
    event_count: 1,
  };
}
