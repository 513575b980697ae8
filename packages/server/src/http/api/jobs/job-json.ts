import { z } from 'zod';
import { DELIVERY_STATES } from '../../../core/webhooks/delivery-state.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import type { JobRecord, ReplayParams } from '../../../store/jobs/jobs.ts';
import { timestampSchema } from '../schemas.ts';

export const JOB_STATES = ['queued', 'running', 'paused', 'canceled', 'done', 'failed'] as const;
export const JOB_KINDS = [
  'replay',
  'erase',
  'redecode',
  'import_suppressions',
  'export_suppressions',
] as const;

export const jobSchema = z.object({
  id: z.string(),
  kind: z.enum(JOB_KINDS),
  state: z
    .enum(JOB_STATES)
    .describe('queued: a job of the project is before it. paused: POST /v1/jobs/{id}/resume.'),
  progress: z.object({
    total: z.number().int().nullable().describe('null where nobody has counted.'),
    done: z.number().int(),
    failed: z.number().int(),
    redecoded: z
      .object({ added: z.number().int(), changed: z.number().int(), kept: z.number().int() })
      .optional()
      .describe('Of a redecoding: new events, events whose type is another by now, the others.'),
    problems: z
      .array(z.object({ line: z.number().int(), detail: z.string() }))
      .optional()
      .describe('Of an import: the first lines that were not taken, and why.'),
  }),
  rate_per_second: z.number().int().nullable(),
  replay: z
    .object({
      endpoint_id: z.string().nullable().describe('null: every endpoint that is enabled.'),
      since: timestampSchema.nullable(),
      until: timestampSchema,
      event_types: z.array(z.string()).nullable(),
      states: z.array(z.enum(DELIVERY_STATES)),
      message_id: z.string().nullable(),
      error_code: z.string().nullable(),
      include_missing: z.boolean(),
    })
    .nullable()
    .describe('What a replay was asked for. An erasure does not show whom it is about.'),
  error: z.string().nullable().describe('Why it failed, or why it paused by itself.'),
  created_at: timestampSchema,
  started_at: timestampSchema.nullable(),
  updated_at: timestampSchema,
  ended_at: timestampSchema.nullable(),
});

export function toJobJson(job: JobRecord) {
  return {
    id: job.id,
    kind: job.kind,
    state: job.state,
    progress: job.progress,
    rate_per_second: job.ratePerSecond,
    replay: job.kind === 'replay' ? toReplayJson(job.params) : null,
    error: job.error,
    created_at: toTimestamp(job.createdAtMs),
    started_at: job.startedAtMs === null ? null : toTimestamp(job.startedAtMs),
    updated_at: toTimestamp(job.updatedAtMs),
    ended_at: job.endedAtMs === null ? null : toTimestamp(job.endedAtMs),
  };
}

function toReplayJson(params: ReplayParams) {
  return {
    endpoint_id: params.endpointId,
    since: params.sinceMs === null ? null : toTimestamp(params.sinceMs),
    until: toTimestamp(params.untilMs),
    event_types: params.eventTypes,
    states: params.states,
    message_id: params.messageId,
    error_code: params.errorCode,
    include_missing: params.includeMissing,
  };
}
