import { z } from 'zod';
import type { Analytics } from '../../../analytics/analytics.ts';
import { isId, lowestIdAt } from '../../../core/ids.ts';
import {
  MIN_VOLUME,
  RATE_LEVELS,
  RATE_THRESHOLDS,
  toRateLevel,
  worstLevel,
} from '../../../core/stats/deliverability.ts';
import { toRates } from '../../../core/stats/totals.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import type { DeliverySample, SampledDelivery } from '../../../store/analytics/delivery-sample.ts';
import type { Statement } from '../../../store/engine.ts';
import type { Endpoints } from '../../../store/webhooks/endpoints.ts';
import { defineRoute, type Route } from '../../route.ts';
import { keyOfCursor, nextCursorSchema, pageQuery, timestampSchema } from '../schemas.ts';
import { readWindow, windowQuery } from './read-window.ts';
import { ratesSchema, toWindowJson, windowSchema } from './stats-json.ts';

/** The newest deliveries of each endpoint that are looked at: enough for a 95th percentile. */
const SAMPLED = 500;
const MAX_DOMAINS = 20;

const countFields = {
  delivered: z.number().int(),
  bounced: z.number().int(),
  complained: z.number().int(),
  rates: ratesSchema,
  level: z
    .enum(RATE_LEVELS)
    .describe(`The worst of the checks; unknown below ${MIN_VOLUME} messages that came to an end.`),
};

const deliverabilitySchema = z.object({
  ...windowSchema,
  ...countFields,
  checks: z.array(
    z.object({
      rate: z.enum(['bounce', 'complaint']),
      value: z.number().nullable(),
      level: z.enum(RATE_LEVELS),
      publisher: z.string().describe('Who has published the thresholds.'),
      recommended: z.number().describe('A warning from here on.'),
      limit: z.number().describe('Critical from here on.'),
      source: z.string().describe('Where.'),
    }),
  ),
  receiving_domains: z
    .array(z.object({ domain: z.string(), ...countFields }))
    .describe(`The largest ${MAX_DOMAINS} first.`),
});

const healthSchema = z.object({
  endpoint_id: z.string(),
  endpoint_uid: z.string().nullable(),
  sampled: z.number().int().describe(`Deliveries looked at: the newest ${SAMPLED} at most.`),
  at_least: z.boolean().describe('There are more of that time.'),
  delivered: z.number().int(),
  dead: z.number().int().describe('Given up.'),
  pending: z.number().int(),
  success_rate: z
    .number()
    .nullable()
    .describe('delivered / (delivered + dead); null when none has come to an end.'),
  retried: z.number().int().describe('Deliveries that took more than one attempt.'),
  retries: z.number().int().describe('Attempts beyond the first.'),
  latency_ms: z
    .object({ p50: z.number().int().nullable(), p95: z.number().int().nullable() })
    .describe('Of the latest attempt of each.'),
});

export interface DeliverabilityDeps {
  analytics: Pick<Analytics<Statement>, 'totals' | 'groups'>;
  deliverySample: DeliverySample;
  endpoints: Pick<Endpoints, 'list'>;
  now: () => number;
}

export function createDeliverabilityRoutes(deps: DeliverabilityDeps): Route[] {
  const { analytics, now } = deps;
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/stats/deliverability',
      auth: 'read',
      group: 'Stats',
      summary: 'Bounces and complaints, and what is said about them',
      description:
        'Against the thresholds that mailbox providers publish. Gmail tells senders of no single complaint, so its own rate is seen in Postmaster Tools alone.',
      query: z.strictObject(windowQuery),
      responses: { 200: { description: 'Rates and levels.', schema: deliverabilitySchema } },
      async handle({ projectId, query }) {
        const window = readWindow(query, now());
        const all = { projectId, dimension: 'all', value: null, stream: null } as const;
        const totals = await analytics.totals(all, window);
        const domains = await analytics.groups(
          { ...all, dimension: 'receiving_domain' },
          window,
          'value',
        );
        const whole = toCounts(totals);
        const volume = whole.delivered + whole.bounced;
        return {
          status: 200,
          body: {
            ...toWindowJson(window),
            ...whole,
            checks: RATE_THRESHOLDS.map((threshold) => ({
              ...threshold,
              value: whole.rates[threshold.rate],
              level: toRateLevel(whole.rates[threshold.rate], threshold, volume),
            })),
            receiving_domains: domains
              .slice(0, MAX_DOMAINS)
              .map((one) => ({ domain: one.value, ...toCounts(one.totals) })),
          },
        };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/stats/endpoints',
      auth: 'read',
      group: 'Stats',
      summary: 'How endpoints do',
      description: 'From the newest deliveries of each, of events of the time that is asked for.',
      query: z.strictObject({ ...windowQuery, ...pageQuery }),
      responses: {
        200: {
          description: 'A page of endpoints, the newest first.',
          schema: z.object({
            from: timestampSchema,
            to: timestampSchema,
            data: z.array(healthSchema),
            next_cursor: nextCursorSchema,
          }),
        },
      },
      async handle({ projectId, query }) {
        const { fromMs, toMs } = readWindow(query, now());
        const beforeId = keyOfCursor(query.cursor, (key) => isId('endpoint', key));
        const page = await deps.endpoints.list({ projectId, limit: query.limit, beforeId });
        const data = [];
        for (const { id, uid } of page.rows) {
          const sample = await deps.deliverySample.newest({
            projectId,
            endpointId: id,
            fromEventId: lowestIdAt('event', fromMs),
            toEventId: lowestIdAt('event', toMs),
            limit: SAMPLED,
          });
          data.push({ endpoint_id: id, endpoint_uid: uid, ...toHealth(sample) });
        }
        const { nextCursor } = page;
        const range = { from: toTimestamp(fromMs), to: toTimestamp(toMs) };
        return { status: 200, body: { ...range, data, next_cursor: nextCursor } };
      },
    }),
  ];
}

function toCounts(totals: Parameters<typeof toRates>[0]) {
  const rates = toRates(totals);
  const { delivered, complained } = totals;
  const bounced = totals.bounced.total;
  return { delivered, bounced, complained, rates, level: worstLevel(rates, delivered + bounced) };
}

function toHealth(sample: readonly SampledDelivery[]) {
  const inState = (state: string): number => sample.filter((one) => one.state === state).length;
  const [delivered, dead] = [inState('delivered'), inState('dead')];
  const latencies = sample.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs]));
  latencies.sort((a, b) => a - b);
  const at = (share: number): number | null =>
    latencies[Math.max(Math.ceil(latencies.length * share) - 1, 0)] ?? null;
  return {
    sampled: sample.length,
    at_least: sample.length === SAMPLED,
    delivered,
    dead,
    pending: inState('pending'),
    success_rate: delivered + dead === 0 ? null : delivered / (delivered + dead),
    retried: sample.filter(({ attempts }) => attempts > 1).length,
    retries: sample.reduce((sum, { attempts }) => sum + Math.max(attempts - 1, 0), 0),
    latency_ms: { p50: at(0.5), p95: at(0.95) },
  };
}
