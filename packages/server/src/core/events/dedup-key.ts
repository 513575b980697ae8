import { hash } from 'node:crypto';
import type { DedupPart, EventData, EventType } from '@posthorn/sdk';

/**
 * Two reports of one source are the same event when all of this is equal. Neither "message and type"
 * (loses the second click) nor the provider's event id alone (SendGrid and Mailtrap reuse it) is
 * enough. An id that the caller gives decides alone.
 */
export function dedupKeyOf(input: {
  /** The event's id if the caller gave one. */
  id: string | null;
  type: EventType;
  timestamp: string;
  data: EventData;
}): string {
  if (input.id !== null) return `id:${input.id}`;
  const { data } = input;
  const { message } = data;
  const parts = [
    data.provider,
    data.source,
    data.provider_type ?? input.type,
    data.provider_event_id,
    message?.id ?? message?.provider_id ?? message?.smtp_id,
    data.recipient,
    Date.parse(input.timestamp),
    data.engagement?.url,
    data.delivery?.attempt,
  ];
  return hashParts(parts);
}

/**
 * Of what a source reports: its provider's file says which parts make two reports the same
 * (`dedupParts`). Two sources of one provider are told apart; an event of another Posthorn has an id.
 */
export function dedupKeyOfReport(input: {
  sourceId: string;
  id: string | null;
  parts: readonly DedupPart[];
}): string {
  if (input.id !== null) return `id:${input.id}`;
  return hashParts([input.sourceId, ...input.parts]);
}

function hashParts(parts: readonly unknown[]): string {
  const text = JSON.stringify(parts.map((part) => part ?? null));
  // In one call: 0.5 us instead of 2.
  return hash('sha256', text, 'base64url');
}
