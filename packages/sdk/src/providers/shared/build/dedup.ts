import type { DecodedEvent, DedupPart } from '../../provider.ts';

/**
 * The parts that make two reports the same event: neither "message and type" (loses the second click)
 * nor the provider's event id alone (SendGrid and Mailtrap reuse it) is enough. The id is one of them
 * only where the provider keeps it over its own retries.
 */
export function dedupParts(event: DecodedEvent): readonly DedupPart[] {
  return [...dedupPartsWithoutEventId(event), event.data.provider_event_id ?? null];
}

export function dedupPartsWithoutEventId(event: DecodedEvent): readonly DedupPart[] {
  const { type, data, id } = event;
  if (id !== undefined) return [id];
  const message = data.message?.id ?? data.message?.provider_id ?? data.message?.smtp_id ?? null;
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
