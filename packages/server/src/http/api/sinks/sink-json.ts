import { z } from 'zod';
import type { SinkPlace, SinkRecord } from '../../../core/sink.ts';
import { SINK_TROUBLES } from '../../../core/sink.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { timestampSchema } from '../schemas.ts';

export const troubleSchema = z.object({
  code: z.enum(Object.keys(SINK_TROUBLES) as [keyof typeof SINK_TROUBLES]),
  detail: z.string(),
  at: timestampSchema,
});

const countsShape = {
  sent: z.int(),
  refused: z.int().describe('Events that it would not take: GET /v1/sinks/{id}/refused.'),
};

export const sinkSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  settings: z
    .record(z.string(), z.unknown())
    .describe('Secrets among them are shown as true where there is one.'),
  event_types: z.array(z.string()),
  filter: z.looseObject({}).nullable(),
  transformation: z.string().nullable(),
  paused: z.boolean(),
  state: z
    .enum(['ok', 'failing', 'refusing', 'paused'])
    .describe('refusing: it answers, and has taken none of the events it was sent last.'),
  progress: z.object({
    ...countsShape,
    lag_seconds: z.number().describe('How old the oldest event is that waits for it; 0: none.'),
    last_sent_at: timestampSchema.nullable(),
    failures: z.int().describe('Batches that failed in a row.'),
    failing_since: timestampSchema.nullable(),
    refusing_since: timestampSchema
      .nullable()
      .describe('Since when it has refused all it was sent; null: it took the last of it.'),
    next_attempt_at: timestampSchema.nullable(),
    last_error: troubleSchema.nullable(),
  }),
  backfill: z
    .object({
      ...countsShape,
      percent: z.number().describe('Of the part of the log that it goes over.'),
      last_error: troubleSchema.nullable(),
    })
    .nullable(),
  version: z.int(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
});

export interface SinkPlacesShown {
  live: SinkPlace;
  backfill: SinkPlace | null;
  /** When the first event that waits for it came; null where none does. */
  waitingSinceMs: number | null;
}

export function toSinkJson(
  sink: Omit<SinkRecord, 'secretsSealed'>,
  secretNames: readonly string[],
  { live, backfill, waitingSinceMs }: SinkPlacesShown,
  nowMs: number,
): z.input<typeof sinkSchema> {
  return {
    id: sink.id,
    name: sink.name,
    kind: sink.kind,
    settings: {
      ...sink.settings,
      ...Object.fromEntries(secretNames.map((name) => [name, true])),
    },
    event_types: sink.eventTypes,
    filter: sink.filter === null ? null : { ...sink.filter },
    transformation: sink.transformation,
    paused: sink.isPaused,
    state: stateOf(sink, live),
    progress: {
      sent: live.sent,
      refused: live.refused,
      lag_seconds: waitingSinceMs === null ? 0 : Math.max(0, nowMs - waitingSinceMs) / 1_000,
      last_sent_at: timeOrNull(live.lastSentAtMs),
      failures: live.failures,
      failing_since: timeOrNull(live.failingSinceMs),
      refusing_since: timeOrNull(live.refusingSinceMs),
      next_attempt_at: timeOrNull(live.retryAtMs),
      last_error: toTroubleJson(live.lastError),
    },
    backfill:
      backfill === null
        ? null
        : {
            sent: backfill.sent,
            refused: backfill.refused,
            percent: percentOf(backfill),
            last_error: toTroubleJson(backfill.lastError),
          },
    version: sink.version,
    created_at: toTimestamp(sink.createdAtMs),
    updated_at: toTimestamp(sink.updatedAtMs),
  };
}

function stateOf(
  { isPaused }: Pick<SinkRecord, 'isPaused'>,
  { failures, refusingSinceMs }: SinkPlace,
): z.input<typeof sinkSchema>['state'] {
  if (isPaused) return 'paused';
  if (failures > 0) return 'failing';
  return refusingSinceMs === null ? 'ok' : 'refusing';
}

function percentOf({ position, fromPosition, untilPosition }: SinkPlace): number {
  const whole = (untilPosition ?? position) - fromPosition;
  return whole <= 0 ? 100 : Math.floor(((position - fromPosition) * 1_000) / whole) / 10;
}

function toTroubleJson(note: SinkPlace['lastError']): z.input<typeof troubleSchema> | null {
  if (note === null) return null;
  return { code: note.code, detail: note.detail, at: toTimestamp(note.atMs) };
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : toTimestamp(ms);
}
