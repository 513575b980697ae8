import type { Provider, ProviderRequest } from './provider.ts';
import { dedupPartsWithoutEventId } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { decodeMapped, type EventMapping, readField } from './shared/build/mapping.ts';
import { list } from './shared/read/fields.ts';
import { readJson } from './shared/read/request-body.ts';
import { verifyUnsigned } from './shared/verify/transport-secrets.ts';

/**
 * Flexmail: transactional webhooks (its page "Transactional webhooks"; the names of the fields beside
 * event, timestamp, messageId and recipient are not on it, so the likely ones are all read).
 *
 * Secrets: no signature is documented. What the URL or the headers carry.
 * Dedup key: message, type, recipient, time and URL; its page advises message and event alone, which
 * loses the second click and the second recipient.
 * `Sent` is the hand-over to the receiving server, `Delivered` its confirmation.
 * Lost beside `raw`: nothing that is documented.
 */

const MAPPING: EventMapping = {
  fields: {
    type: ['event', 'eventType', 'type'],
    timestamp: ['timestamp', 'occurredAt', 'date'],
    recipient: ['recipient', 'email', 'to'],
    message_id: ['messageId', 'message_id'],
    from: ['from', 'sender'],
    subject: ['subject'],
    response: ['smtpResponse', 'response', 'diagnosticCode'],
    smtp_code: ['smtpCode', 'code'],
    enhanced_code: ['enhancedCode', 'status'],
    bounce_type: ['bounceType', 'bounce_type', 'bounce.type', 'type'],
    bounce_category: ['bounceCategory', 'bounce.category'],
    bounce_description: ['bounceReason', 'bounce_reason', 'bounce.reason', 'reason', 'description'],
    reject_reason: ['rejectReason', 'reason', 'description'],
    complaint_type: ['complaintType', 'feedbackType'],
    url: ['url', 'link', 'click.url'],
    ip: ['ip', 'ipAddress'],
    user_agent: ['userAgent', 'user_agent'],
    tags: ['tags', 'tag'],
    metadata: ['metadata'],
  },
};

export const flexmail: Provider = {
  name: 'flexmail',
  aliases: [],
  title: 'Flexmail',
  pages: [
    'Flexmail help: Transactional webhooks',
    'https://email-api.flexmail.eu/documentation/webhooks',
  ],
  answer: { refused: 401, busy: 503, timeoutMs: null, retryDelaysMs: null, stopStatuses: [] },
  verify: verifyUnsigned,
  decode: (request: ProviderRequest) =>
    decodeEntries(list(readJson(request)), {
      expects: 'an object with "event", "messageId" and "recipient"',
      isEntry: (entry) => readField(entry, MAPPING, 'type') !== null,
      decode: (entry) => decodeMapped('flexmail', MAPPING, entry),
    }),
  dedupParts: dedupPartsWithoutEventId,
};
