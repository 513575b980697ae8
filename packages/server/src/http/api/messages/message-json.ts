import { toTimestamp } from '../../../lib/clock.ts';
import type { HeldRecord } from '../../../store/mail/held-messages.ts';
import type { MessageRecord } from '../../../store/mail/messages.ts';
import type { RecipientRow } from '../../../store/mail/transmissions.ts';
import { toHeldJson } from '../holds/hold-json.ts';

export function toMessageJson(message: MessageRecord, held: HeldRecord | null) {
  return {
    id: message.id,
    from: message.headerFrom,
    subject: message.subject,
    smtp_id: message.smtpId,
    accepted_by: message.acceptedBy,
    sandbox: message.sandbox,
    stream: message.stream,
    size_bytes: message.sizeBytes,
    tags: message.tags,
    metadata: message.metadata,
    tracking: toTrackingJson(message.tracking),
    created_at: toTimestamp(message.createdAtMs),
    send_at: message.sendAtMs === null ? null : toTimestamp(message.sendAtMs),
    expires_at: toTimestamp(message.expiresAtMs),
    held: toHeldJson(held),
  };
}

function toTrackingJson(tracking: MessageRecord['tracking']) {
  if (tracking === null) return null;
  const { opens, clicks, textLinks, unsubscribe } = tracking;
  return { opens, clicks, text_links: textLinks, unsubscribe_page: unsubscribe };
}

export function toRecipientJson(row: RecipientRow) {
  return {
    address: row.recipient,
    kind: row.kind,
    state: row.state,
    attempts: row.attempts,
    next_attempt_at: row.queue === 'queued' ? toTimestamp(row.dueAtMs) : null,
  };
}
