import { z } from 'zod';
import type { SourceActivity, SourceRecord, SourceSecrets } from '../../../core/source.ts';
import { livingTexts } from '../../../core/source.ts';
import { expectedWithin } from '../../../core/source-silence.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { formatDuration } from '../../../lib/duration.ts';
import { timestampSchema } from '../schemas.ts';

const activitySchema = z.object({
  requests: z.int().describe('Webhooks that were taken, duplicates included.'),
  events: z.int(),
  duplicates: z.int().describe('Events that were here already.'),
  refused: z.int(),
  last_request_at: timestampSchema.nullable(),
  last_event_at: timestampSchema.nullable(),
  last_refusal: z
    .object({
      at: timestampSchema,
      code: z.string().describe('Why: the codes are in docs/sources.md.'),
      detail: z.string(),
    })
    .nullable(),
  expected_within: z
    .string()
    .nullable()
    .describe('It should not be silent for longer; null while nobody can say.'),
  stalled_since: timestampSchema.nullable().describe('null while it talks.'),
});

export const sourceSchema = z.object({
  id: z.string(),
  name: z.string(),
  provider: z.string(),
  topics: z.array(z.string()),
  signed_url: z.string().nullable(),
  mapping: z.looseObject({}).nullable(),
  signature: z.looseObject({}).nullable(),
  stream: z.string().nullable(),
  tags: z.array(z.string()),
  expect_every: z.string().nullable(),
  on_refusal: z.enum(['retry', 'stop']),
  secrets: z.int().describe('How many count. They are never shown.'),
  activity: activitySchema.describe('Over all nodes, a few seconds late.'),
  version: z.int(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
});

export const urlShape = {
  path: z
    .string()
    .describe('Where the provider posts to, on this server. Whoever knows it can try.'),
  url: z.string().nullable().describe('The same whole; null without the setting public_url.'),
};

export function toSourceJson(
  source: Omit<SourceRecord, 'secretsSealed'>,
  seen: { secrets: SourceSecrets; activity: SourceActivity; nowMs: number },
): z.input<typeof sourceSchema> {
  const { settings } = source;
  const { signature } = settings;
  return {
    id: source.id,
    name: source.name,
    provider: source.provider,
    topics: settings.topics,
    signed_url: settings.signedUrl,
    mapping: settings.mapping === null ? null : { ...settings.mapping },
    signature: signature === null ? null : toSignatureJson(signature),
    stream: settings.stream,
    tags: settings.tags,
    expect_every: durationOrNull(settings.expectEveryMs),
    on_refusal: settings.onRefusal,
    secrets: livingTexts(seen.secrets.secrets, seen.nowMs).length,
    activity: toActivityJson(source, seen.activity, seen.nowMs),
    version: source.version,
    created_at: toTimestamp(source.createdAtMs),
    updated_at: toTimestamp(source.updatedAtMs),
  };
}

function toSignatureJson(signature: NonNullable<SourceRecord['settings']['signature']>) {
  const { timestampHeader, ...rest } = signature;
  return {
    ...rest,
    ...(timestampHeader === undefined ? {} : { timestamp_header: timestampHeader }),
  };
}

function toActivityJson(
  { createdAtMs, settings }: Pick<SourceRecord, 'createdAtMs' | 'settings'>,
  activity: SourceActivity,
  nowMs: number,
): z.input<typeof activitySchema> {
  const { lastRefusal } = activity;
  const { expectEveryMs } = settings;
  return {
    requests: activity.requests,
    events: activity.events,
    duplicates: activity.duplicates,
    refused: activity.refused,
    last_request_at: timeOrNull(activity.lastRequestAtMs),
    last_event_at: timeOrNull(activity.lastEventAtMs),
    last_refusal:
      lastRefusal === null
        ? null
        : {
            at: toTimestamp(lastRefusal.atMs),
            code: lastRefusal.code,
            detail: lastRefusal.detail,
          },
    expected_within: durationOrNull(
      expectedWithin({ createdAtMs, expectEveryMs, activity }, nowMs),
    ),
    stalled_since: timeOrNull(activity.stalledSinceMs),
  };
}

export function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : toTimestamp(ms);
}

function durationOrNull(ms: number | null): string | null {
  return ms === null ? null : formatDuration(ms);
}
