import type { MessagesTable } from '../tables.ts';
import type { MessageRecord } from './messages.ts';

export function toMessageRow(message: MessageRecord): MessagesTable {
  return {
    project_id: message.projectId,
    id: message.id,
    accepted_by: message.acceptedBy,
    sandbox: message.sandbox ? 1 : 0,
    stream: message.stream,
    envelope_from: message.envelopeFrom,
    header_from: message.headerFrom,
    subject: message.subject,
    smtp_id: message.smtpId,
    tags: JSON.stringify(message.tags),
    metadata: JSON.stringify(message.metadata),
    tracking: message.tracking === null ? null : JSON.stringify(message.tracking),
    dsn: message.dsn === null ? null : JSON.stringify(message.dsn),
    size_bytes: message.sizeBytes,
    created_at: message.createdAtMs,
    send_at: message.sendAtMs,
    expires_at: message.expiresAtMs,
    retain_until: message.retainUntilMs,
  };
}

export function fromMessageRow(row: MessagesTable): MessageRecord {
  return {
    projectId: row.project_id,
    id: row.id,
    acceptedBy: row.accepted_by,
    sandbox: row.sandbox === 1,
    stream: row.stream,
    envelopeFrom: row.envelope_from,
    headerFrom: row.header_from,
    subject: row.subject,
    smtpId: row.smtp_id,
    tags: JSON.parse(row.tags),
    metadata: JSON.parse(row.metadata),
    tracking: row.tracking === null ? null : JSON.parse(row.tracking),
    dsn: row.dsn === null ? null : JSON.parse(row.dsn),
    sizeBytes: row.size_bytes,
    createdAtMs: row.created_at,
    sendAtMs: row.send_at,
    expiresAtMs: row.expires_at,
    retainUntilMs: row.retain_until,
  };
}
