import { EVENT_TYPES } from '@posthorn/sdk';
import { z } from 'zod';
import { toTimestamp } from '../../../lib/clock.ts';
import { type EventVolume, stretchMs } from '../../../store/log/event-volume.ts';
import { defineRoute, type Route } from '../../route.ts';
import { timestampSchema } from '../schemas.ts';

/** The newest ones are counted, in some 150 ms. */
const COUNTED_EVENTS = 50_000;
const HOUR_MS = 3_600_000;

/**
 * How far each looks back. Stretches follow from the ids (store/log/event-volume.ts): 32 ** 3 ms are 33 s, 32 ** 4
 * are 17 min; so many of them make one here.
 */
const PERIODS = {
  '1h': { lengthMs: HOUR_MS, steps: 3, together: 2 },
  '24h': { lengthMs: 24 * HOUR_MS, steps: 4, together: 2 },
  '7d': { lengthMs: 7 * 24 * HOUR_MS, steps: 4, together: 16 },
} as const;

const volumeSchema = z.object({
  from: timestampSchema.describe('The first stretch begins here.'),
  to: timestampSchema,
  bucket_seconds: z.number().describe('How long a stretch is.'),
  at_least: z
    .boolean()
    .describe('Only the newest 50,000 events were counted; "from" says how far they reach.'),
  data: z.array(
    z.object({
      at: timestampSchema.describe('When it begins.'),
      counts: z.partialRecord(z.enum(EVENT_TYPES), z.number().int()),
    }),
  ),
});

/** How many events there were, for charts. */
export function createVolumeRoutes(deps: { eventVolume: EventVolume; now: () => number }): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/events/volume',
      auth: 'read',
      group: 'Events',
      summary: 'How many events there were',
      description:
        'By type, in stretches of one length, the oldest first; a stretch in which nothing happened has no counts. By the time in the id of the event, which is when Posthorn took it.',
      query: z.strictObject({
        period: z
          .enum(Object.keys(PERIODS) as (keyof typeof PERIODS)[])
          .default('24h')
          .describe('How far back.'),
      }),
      responses: { 200: { description: 'The counts.', schema: volumeSchema } },
      async handle({ projectId, query }) {
        const { lengthMs, steps, together } = PERIODS[query.period];
        const bucketMs = stretchMs(steps) * together;
        const nowMs = deps.now();
        const startOf = (ms: number) => Math.floor(ms / bucketMs) * bucketMs;
        const sinceMs = startOf(nowMs - lengthMs);
        const asked = { projectId, sinceMs, steps, limit: COUNTED_EVENTS };
        const { rows, isAtLeast } = await deps.eventVolume.count(asked);
        // The first that was counted in part would look like a rise.
        const firstMs = isAtLeast ? startOf(rows[0]?.atMs ?? nowMs) + bucketMs : sinceMs;
        const buckets = new Map<number, Record<string, number>>();
        for (let atMs = firstMs; atMs <= nowMs; atMs += bucketMs) buckets.set(atMs, {});
        for (const { atMs, type, count } of rows) {
          const counts = buckets.get(startOf(atMs));
          if (counts !== undefined) counts[type] = (counts[type] ?? 0) + count;
        }
        const data = [...buckets].map(([atMs, counts]) => ({ at: toTimestamp(atMs), counts }));
        return {
          status: 200,
          body: {
            from: toTimestamp(firstMs),
            to: toTimestamp(nowMs),
            bucket_seconds: bucketMs / 1_000,
            at_least: isAtLeast,
            data,
          },
        };
      },
    }),
  ];
}
