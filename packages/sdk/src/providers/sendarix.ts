import type { Provider, ProviderRequest, VerifyContext, VerifyResult } from './provider.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { decodeMapped, type EventMapping, readField } from './shared/build/mapping.ts';
import { list } from './shared/read/fields.ts';
import { headerOf, readJson } from './shared/read/request-body.ts';
import {
  checkAge,
  checkHmac,
  DEFAULT_TOLERANCE_MS,
  HOUR_MS,
  MINUTE_MS,
  requireHeader,
  requireSecrets,
} from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * Sendarix: webhooks (its page "Email webhooks"), as the envelope with `data` and in the simplified
 * form with `event` that the page shows too.
 *
 * Secrets: that of the endpoint. Hex HMAC-SHA256 of the body in `X-Sendarix-Signature`. Its timestamp
 * header is checked as the page asks, but no signature covers it: it stops no forger.
 * Dedup key: with `event_id`.
 * A complaint has two words for its kind, which disagree in the page's example: `complaint_type` counts.
 * Lost beside `raw`: whether the bounce was automatic.
 */

const MAPPING: EventMapping = {
  types: { accepted: 'email.accepted', deferred: 'email.deferred' },
  fields: {
    type: ['event_type', 'event'],
    event_id: 'event_id',
    timestamp: 'timestamp',
    recipient: 'recipient',
    message_id: 'message_id',
    from: ['from', 'data.from'],
    subject: ['subject', 'data.subject'],
    attempt: ['data.attempt', 'attempt'],
    smtp_code: ['data.smtp_code', 'smtp_code'],
    enhanced_code: ['data.enhanced_code', 'enhanced_code'],
    response: [
      'data.smtp_response',
      'data.smtp_message',
      'data.reason',
      'smtp_response',
      'smtp_message',
      'reason',
    ],
    mx: ['data.server', 'server'],
    latency_ms: ['data.delivery_latency_ms', 'delivery_latency_ms'],
    bounce_type: ['data.bounce_type', 'bounce_type'],
    bounce_category: ['data.bounce_category', 'bounce_category'],
    complaint_type: ['data.complaint_type', 'data.feedback_type', 'complaint_type'],
    url: ['data.url', 'url'],
    link_id: ['data.link_id', 'link_id'],
    ip: ['data.ip', 'ip'],
    user_agent: ['data.user_agent', 'user_agent'],
    client_name: ['data.client', 'client'],
    client_os: ['data.os', 'os'],
    client_device: ['data.device', 'device'],
    unsubscribe_method: ['data.method', 'data.unsubscribe_method'],
    tags: ['tags', 'data.tags'],
    metadata: ['metadata', 'data.metadata'],
  },
};

/** Where a bounce does not say its kind, its name does: `bounce` is permanent. */
function withKind(entry: Record<string, unknown>): Record<string, unknown> {
  const isPlain = readField(entry, MAPPING, 'type') === 'bounce';
  const isSaid = readField(entry, MAPPING, 'bounce_type') !== null;
  return isPlain && !isSaid ? { ...entry, bounce_type: 'hard' } : entry;
}

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    checkHmac({
      algorithm: 'sha256',
      encoding: 'hex',
      keys: requireSecrets(secrets, 'the secret of the endpoint'),
      parts: [request.body],
      given: requireHeader(request, 'X-Sendarix-Signature').replace(/^sha256=/i, ''),
    });
    const timestamp = headerOf(request, 'X-Sendarix-Timestamp');
    if (timestamp !== null) checkAge(timestamp, context, DEFAULT_TOLERANCE_MS);
    return { covers: 'body', replayKey: null };
  });
}

export const sendarix: Provider = {
  name: 'sendarix',
  aliases: [],
  title: 'Sendarix',
  pages: ['Sendarix documentation: Email webhooks'],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: 10_000,
    retryDelaysMs: [30_000, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS],
    stopStatuses: [],
  },
  verify,
  decode: (request) =>
    decodeEntries(list(readJson(request)), {
      expects: 'an object with "event_type" (or "event") and "message_id"',
      isEntry: (entry) => readField(entry, MAPPING, 'type') !== null,
      decode: (entry) =>
        decodeMapped('sendarix', MAPPING, withKind(entry)).map((event) => ({
          ...event,
          data: { ...event.data, raw: entry },
        })),
    }),
  dedupParts,
};
