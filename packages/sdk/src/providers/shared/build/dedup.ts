import { createHash } from 'node:crypto';
import type { DecodedEvent, DedupPart } from '../../provider.ts';

/**
 * The parts that make two reports the same event: neither "message and type" (loses the second click)
 * nor the provider's event id alone (SendGrid and Mailtrap reuse it) is enough. The id is one of them
 * only where the provider keeps it over its own retries.
 */
export function dedupParts(event: DecodedEvent): readonly DedupPart[] {
  const eventId = event.data.provider_event_id ?? null;
  return eventId === null
    ? [...dedupPartsWithoutEventId(event), null]
    : [...tellingParts(event), eventId];
}

export function dedupPartsWithoutEventId(event: DecodedEvent): readonly DedupPart[] {
  return [...tellingParts(event), ...payloadPart(event)];
}

/**
 * What names no message and no time is known by its whole payload alone: two warnings of a limit, two
 * mails without a Message-ID. A retry has the same payload.
 */
function payloadPart({ id, data, timestamp }: DecodedEvent): readonly DedupPart[] {
  if (id !== undefined || timestamp !== null || messageOf(data) !== null) return [];
  return [
    createHash('sha256')
      .update(JSON.stringify(data.raw) ?? '')
      .digest('base64url'),
  ];
}

function messageOf({ message }: DecodedEvent['data']): string | null {
  return message?.id ?? message?.provider_id ?? message?.smtp_id ?? null;
}

function tellingParts(event: DecodedEvent): readonly DedupPart[] {
  const { type, data, id } = event;
  if (id !== undefined) return [id];
  const message = messageOf(data);
  return [
    data.provider_type ?? type,
    message,
    data.recipient ?? null,
    // An inbound mail is known by its id; its time is often only that of the try.
    type === 'email.received' && message !== null ? null : event.timestamp,
    data.engagement?.url ?? null,
    data.delivery?.attempt ?? null,
  ];
}
