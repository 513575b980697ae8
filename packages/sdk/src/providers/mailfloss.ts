import type { Provider, ProviderRequest, VerifyContext, VerifyResult } from './provider.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { decodeMapped, type EventMapping, readField } from './shared/build/mapping.ts';
import { list } from './shared/read/fields.ts';
import { readJson } from './shared/read/request-body.ts';
import { checkHmac, requireHeader, requireSecrets } from './shared/verify/signatures.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * The generic shape of mailfloss's guide to email webhooks ("Email webhooks: setup guide"), which shows
 * `event_type` and `recipient` in its payloads and `type` and `email` in its handlers: both are read.
 *
 * Secrets: that of the webhook. Hex HMAC-SHA256 in `x-webhook-signature`. The guide computes it over the
 * body written anew by JSON.stringify; here it is the bytes as they came, which are the same where the
 * sender wrote them so. No time is signed.
 * Dedup key: with `event_id`.
 * Lost beside `raw`: geography and device of an open.
 */

const MAPPING: EventMapping = {
  fields: {
    type: ['event_type', 'type', 'event'],
    event_id: ['event_id', 'id'],
    timestamp: ['timestamp', 'created_at'],
    recipient: ['recipient', 'email', 'to'],
    message_id: 'message_id',
    from: ['from', 'sender'],
    subject: 'subject',
    response: ['smtp_response', 'response'],
    smtp_code: 'smtp_code',
    bounce_type: 'bounce_type',
    bounce_category: 'bounce_category',
    bounce_description: ['bounce_reason', 'reason'],
    reject_reason: 'reason',
    complaint_type: ['complaint_type', 'feedback_type'],
    url: ['url', 'link'],
    ip: ['ip_address', 'ip'],
    user_agent: 'user_agent',
    client_device: ['device_type', 'device'],
    tags: 'tags',
    metadata: 'metadata',
  },
};

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  return verifySigned(request, context, (secrets) => {
    checkHmac({
      algorithm: 'sha256',
      encoding: 'hex',
      keys: requireSecrets(secrets, 'the secret of the webhook'),
      parts: [request.body],
      given: requireHeader(request, 'X-Webhook-Signature').replace(/^sha256=/i, ''),
    });
    return { covers: 'body', replayKey: null };
  });
}

export const mailfloss: Provider = {
  name: 'mailfloss',
  aliases: [],
  title: "mailfloss's guide",
  pages: ['mailfloss: guide to email webhooks'],
  answer: { refused: 401, busy: 503, timeoutMs: 10_000, retryDelaysMs: null, stopStatuses: [] },
  verify,
  decode: (request) =>
    decodeEntries(list(readJson(request)), {
      expects: 'an object with "event_type" and "recipient"',
      isEntry: (entry) => readField(entry, MAPPING, 'type') !== null,
      decode: (entry) => decodeMapped('mailfloss', MAPPING, entry),
    }),
  dedupParts,
};
