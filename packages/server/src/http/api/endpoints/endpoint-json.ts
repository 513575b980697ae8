import { z } from 'zod';
import { createContentFilterSchema } from '../../../core/events/content-filter-fields.ts';
import { leftOutTypes } from '../../../core/webhooks/dialects.ts';
import {
  API_VERSIONS,
  DIALECTS,
  ENDPOINT_ORDERS,
  type EndpointSecrets,
  type EndpointSettings,
  SIGNATURE_KINDS,
} from '../../../core/webhooks/endpoint-settings.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { formatDuration } from '../../../lib/duration.ts';
import type { EndpointRecord } from '../../../store/webhooks/endpoints.ts';
import { type EndpointDefaults, fillDefaults } from '../../../webhooks/endpoints/live-endpoint.ts';
import { describeCertificate } from '../../../webhooks/post/endpoint-tls.ts';
import { timestampSchema } from '../schemas.ts';
import { showHeaders } from './endpoint-headers.ts';

/** An endpoint as it is shown. */

const durationSchema = z.string().describe('Such as 30s, 5m, 2h.');
const ladderSchema = z.union([z.string(), z.array(z.string())]);

const certificateSchema = z.object({
  subject: z.string(),
  issuer: z.string(),
  valid_from: timestampSchema,
  valid_to: timestampSchema,
  fingerprint_sha256: z.string(),
});

const batchSchema = z.object({
  max_events: z.number(),
  max_wait: durationSchema,
  event_types: z.array(z.string()).nullable(),
});

const effectiveSchema = z.object({
  left_out: z
    .array(z.string())
    .describe('Types that it subscribes to and that its dialect has no word for: not sent.'),
  batch: batchSchema.nullable(),
  timeout: durationSchema,
  concurrency: z.number(),
  retry_ladder: z.array(z.string()),
  patience: durationSchema,
});

const healthSchema = z.object({
  failing_since: timestampSchema
    .nullable()
    .describe('Since when every attempt has failed; null while it works.'),
  patience_used_percent: z
    .number()
    .describe('At 100 it is disabled. Its owner hears of it at 50, 70, 90 and 100.'),
});

export const endpointSchema = z.object({
  id: z.string(),
  uid: z.string().nullable(),
  url: z.string(),
  description: z.string(),
  metadata: z.record(z.string(), z.string()),
  event_types: z.array(z.string()),
  filter: z.unknown().meta({ anyOf: [createContentFilterSchema(), { type: 'null' }] }),
  transformation: z.string().nullable(),
  headers: z.record(z.string(), z.string()).describe('Secret values are shown as ***.'),
  timeout: durationSchema.nullable(),
  concurrency: z.number().nullable(),
  rate_limit: z.number().nullable(),
  order: z.enum(ENDPOINT_ORDERS),
  batch: batchSchema.nullable(),
  coalesce: durationSchema.nullable(),
  dialect: z.enum(DIALECTS),
  dialect_options: z.record(z.string(), z.string()),
  retry_ladder: ladderSchema.nullable(),
  api_version: z.enum(API_VERSIONS),
  signature: z
    .enum(SIGNATURE_KINDS)
    .describe('v1: HMAC-SHA256; v1a: Ed25519; the others are those of dialects.'),
  patience: durationSchema.nullable(),
  notify_email: z.string().nullable(),
  redact_recipient: z.enum(['hash', 'remove']).nullable(),
  client_certificate: certificateSchema.nullable().describe('Described, never as PEM.'),
  ca_certificate: certificateSchema.nullable().describe('The first of them.'),
  effective: effectiveSchema.describe('What applies where a field is null.'),
  status: z.enum(['enabled', 'disabled']),
  disabled_reason: z.string().nullable(),
  health: healthSchema,
  version: z.int().describe('One more with each change; also the ETag, for If-Match.'),
  created_at: timestampSchema,
  updated_at: timestampSchema,
});

export interface ShownBeside {
  secrets: EndpointSecrets;
  defaults: EndpointDefaults;
  nowMs: number;
}

export function toEndpointJson(
  endpoint: Omit<EndpointRecord, 'secretsSealed'>,
  { secrets, defaults, nowMs }: ShownBeside,
): z.input<typeof endpointSchema> {
  const { settings } = endpoint;
  const effective = fillDefaults(settings, defaults);
  const shown = { headers: settings.headers, secretHeaders: secrets.headers };
  return {
    id: endpoint.id,
    uid: endpoint.uid,
    url: endpoint.url,
    description: endpoint.description,
    metadata: endpoint.metadata,
    event_types: endpoint.eventTypes,
    ...toSettingsJson(settings),
    headers: showHeaders(shown),
    effective: {
      left_out: leftOutTypes(endpoint.eventTypes, settings.dialect),
      batch: effective.batch === null ? null : toBatchJson(effective.batch),
      timeout: formatDuration(effective.timeoutMs),
      concurrency: effective.concurrency,
      retry_ladder: effective.ladderMs.map(formatDuration),
      patience: formatDuration(effective.patienceMs),
    },
    status: endpoint.status,
    disabled_reason: endpoint.disabledReason,
    health: toHealthJson(endpoint, effective.patienceMs, nowMs),
    version: endpoint.version,
    created_at: toTimestamp(endpoint.createdAtMs),
    updated_at: toTimestamp(endpoint.updatedAtMs),
  };
}

function toSettingsJson(settings: EndpointSettings) {
  const { batch, clientCertificate, caCertificate } = settings;
  return {
    filter: settings.filter,
    transformation: settings.transformation,
    timeout: durationOrNull(settings.timeoutMs),
    concurrency: settings.concurrency,
    rate_limit: settings.ratePerSecond,
    order: settings.order,
    batch: batch === null ? null : toBatchJson(batch),
    coalesce: durationOrNull(settings.coalesceMs),
    dialect: settings.dialect,
    dialect_options: settings.dialectOptions,
    retry_ladder: settings.retryLadder,
    api_version: settings.apiVersion,
    signature: settings.signature,
    patience: durationOrNull(settings.patienceMs),
    notify_email: settings.notifyEmail,
    redact_recipient: settings.redactRecipient,
    client_certificate: clientCertificate === null ? null : describeCertificate(clientCertificate),
    ca_certificate: caCertificate === null ? null : describeCertificate(caCertificate),
  };
}

function toBatchJson({ maxEvents, maxWaitMs, eventTypes }: NonNullable<EndpointSettings['batch']>) {
  return { max_events: maxEvents, max_wait: formatDuration(maxWaitMs), event_types: eventTypes };
}

function durationOrNull(ms: number | null): string | null {
  return ms === null ? null : formatDuration(ms);
}

function toHealthJson(
  { failingSinceMs }: Pick<EndpointRecord, 'failingSinceMs'>,
  patienceMs: number,
  nowMs: number,
): z.input<typeof healthSchema> {
  if (failingSinceMs === null) return { failing_since: null, patience_used_percent: 0 };
  const used = Math.floor(((nowMs - failingSinceMs) * 100) / patienceMs);
  return {
    failing_since: toTimestamp(failingSinceMs),
    patience_used_percent: Math.min(100, Math.max(0, used)),
  };
}
