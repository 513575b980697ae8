import { z } from 'zod';
import type { Analytics, StatsFilter } from '../../../analytics/analytics.ts';
import { GRAINS } from '../../../core/stats/counts.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import type { Statement } from '../../../store/engine.ts';
import { defineRoute, type Route } from '../../route.ts';
import { refuseField } from '../filters.ts';
import { timestampSchema } from '../schemas.ts';
import { createDeliverabilityRoutes, type DeliverabilityDeps } from './deliverability-routes.ts';
import { readWindow, windowQuery } from './read-window.ts';
import {
  toStatsCsv,
  toTotalsJson,
  totalsSchema,
  toWindowJson,
  windowSchema,
} from './stats-json.ts';

/** Groups of one answer: a table that a person reads. */
const MAX_GROUPS = 100;

const VALUED = ['tag', 'sending_domain', 'receiving_domain', 'provider'] as const;

const value = (what: string) => z.string().min(1).max(300).optional().describe(what);

const statsQuery = z.strictObject({
  ...windowQuery,
  interval: z.enum(GRAINS).optional().describe('How long a bucket is; what fits when left out.'),
  group_by: z.enum(['stream', ...VALUED]).optional(),
  stream: value('Only this stream; "(none)" for mail without one.'),
  tag: value('Only mail with this tag.'),
  sending_domain: value('Only mail from this domain.'),
  receiving_domain: value('Only mail to this domain.'),
  provider: value('Only what this provider has sent; "posthorn" for our own.'),
  limit: z.coerce
    .number('limit is a number.')
    .int()
    .min(1)
    .max(MAX_GROUPS)
    .default(20)
    .describe(`How many groups, at most ${MAX_GROUPS}.`),
  compare: z.enum(['previous']).optional().describe('With the time of the same length before.'),
});

type StatsQuery = Omit<z.output<typeof statsQuery>, 'compare'>;

const statsSchema = z.object({
  ...windowSchema,
  totals: totalsSchema,
  previous: z
    .object({ ...windowSchema, totals: totalsSchema })
    .nullable()
    .describe('null when it was not asked for, or is not kept any more.'),
  series: z.array(totalsSchema.extend({ start: timestampSchema })),
  groups: z
    .array(totalsSchema.extend({ value: z.string() }))
    .nullable()
    .describe(
      'The largest first; "(other)" has what a day had no room for. null without group_by.',
    ),
  catching_up: z.boolean().describe('Much of the log is not counted yet.'),
  rebuilding: z.boolean().describe('It is being counted anew: the numbers are still growing.'),
});

export interface StatsDeps extends DeliverabilityDeps {
  analytics: Analytics<Statement>;
}

/** What was sent and what became of it, in numbers. */
export function createStatsRoutes(deps: StatsDeps): Route[] {
  const { analytics, now } = deps;

  async function ask(projectId: string, query: StatsQuery) {
    const filter = readFilter(projectId, query);
    const window = readWindow(query, now());
    // Of the dimension `all` where it is only grouped: mail with two tags counts once.
    const whole: StatsFilter = filter.value === null ? { ...filter, dimension: 'all' } : filter;
    const series = (await analytics.series(whole, window)).map(({ atMs, totals }) => ({
      start: toTimestamp(atMs),
      ...toTotalsJson(totals),
    }));
    if (query.group_by === undefined) return { whole, window, series, groups: null };
    const by = query.group_by === 'stream' ? 'stream' : 'value';
    const found = await analytics.groups(filter, window, by);
    const groups = found
      .slice(0, query.limit)
      .map(({ value, totals }) => ({ value, ...toTotalsJson(totals) }));
    return { whole, window, series, groups };
  }

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/stats',
      auth: 'read',
      group: 'Stats',
      summary: 'What was sent, and what became of it',
      description:
        'Counts of events by when they happened, in buckets of UTC. A question can be narrowed to a stream and one of tag, sending_domain, receiving_domain and provider, and grouped by that or by stream.',
      query: statsQuery,
      responses: { 200: { description: 'Series, totals and groups.', schema: statsSchema } },
      async handle({ projectId, query }) {
        const { whole, window, series, groups } = await ask(projectId, query);
        const before =
          query.compare === undefined ? null : await analytics.totalsBefore(whole, window);
        const progress = await analytics.progress(projectId);
        return {
          status: 200,
          body: {
            ...toWindowJson(window),
            totals: toTotalsJson(await analytics.totals(whole, window)),
            previous:
              before === null
                ? null
                : { ...toWindowJson(before.window), totals: toTotalsJson(before.totals) },
            series,
            groups,
            catching_up: progress.isCatchingUp,
            rebuilding: progress.isRecounting,
          },
        };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/stats/csv',
      auth: 'read',
      group: 'Stats',
      summary: 'The same for a spreadsheet',
      description: 'The groups with group_by, otherwise the series: one on each line.',
      query: statsQuery.omit({ compare: true }),
      responses: { 200: { description: 'A first line with names.', contentType: 'text/csv' } },
      async handle({ projectId, query }) {
        const { series, groups } = await ask(projectId, query);
        const body =
          groups === null
            ? toStatsCsv(
                'start',
                series.map((totals) => ({ name: totals.start, totals })),
              )
            : toStatsCsv(
                'value',
                groups.map((totals) => ({ name: totals.value, totals })),
              );
        return { status: 200, body, headers: { 'content-type': 'text/csv; charset=utf-8' } };
      },
    }),
    ...createDeliverabilityRoutes(deps),
    defineRoute({
      method: 'POST',
      path: '/v1/stats/rebuild',
      auth: 'manage',
      group: 'Stats',
      summary: 'Count the log once more',
      description:
        'In the background, from the first day of which the log has everything; older days stay as they are. Opens and clicks of persons who were erased are not counted any more.',
      responses: {
        202: {
          description: 'It begins. GET /v1/stats says rebuilding until it is done.',
          schema: z.object({ since: timestampSchema.describe('What is counted anew.') }),
        },
      },
      async handle({ projectId, remember }) {
        const toAnswer = (floorMs: number) => ({
          status: 202,
          body: { since: toTimestamp(floorMs) },
        });
        const sinceMs = await analytics.recount(projectId, (ms) => remember(toAnswer(ms)));
        return toAnswer(sinceMs);
      },
    }),
  ];
}

function readFilter(projectId: string, query: StatsQuery): StatsFilter {
  const stream = query.stream ?? null;
  const given = VALUED.filter((name) => query[name] !== undefined);
  const [first, second] = given;
  if (second !== undefined) {
    refuseField(
      `?${second}`,
      `Sums are kept for each of them alone: leave out ${first} or ${second}.`,
    );
  }
  const group = query.group_by;
  if (group === undefined || group === 'stream') {
    const dimension = first ?? 'all';
    return { projectId, stream, dimension, value: readValue(query, first) };
  }
  if (first !== undefined && first !== group) {
    refuseField(
      '?group_by',
      `Sums are kept for each of them alone: with ${first}, group by ${first} or stream.`,
    );
  }
  return { projectId, stream, dimension: group, value: readValue(query, first) };
}

function readValue(query: StatsQuery, name: (typeof VALUED)[number] | undefined): string | null {
  const value = name === undefined ? undefined : query[name];
  if (value === undefined) return null;
  return name === 'sending_domain' || name === 'receiving_domain' ? value.toLowerCase() : value;
}
