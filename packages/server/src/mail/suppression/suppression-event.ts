import type { CanonicalEvent, EventSuppression } from '@posthorn/sdk';
import { toTimestamp } from '../../lib/clock.ts';
import type { SuppressionRecord } from '../../store/mail/suppressions.ts';

/** `suppression.added` or `suppression.removed`; of a removed entry `source` is who removed it. */
export function createSuppressionEvent(input: {
  type: 'suppression.added' | 'suppression.removed';
  id: string;
  atMs: number;
  entry: SuppressionRecord;
}): CanonicalEvent {
  const timestamp = toTimestamp(input.atMs);
  return {
    id: input.id,
    type: input.type,
    timestamp,
    data: {
      provider: 'posthorn',
      source: null,
      received_at: timestamp,
      recipient: input.entry.address,
      suppression: toSuppressionBlock(input.entry),
    },
  };
}

/** What an event says of an entry of the list. */
export function toSuppressionBlock(entry: SuppressionRecord): EventSuppression {
  return {
    reason: entry.reason,
    by: entry.source,
    stream: entry.stream,
    event_id: entry.eventId,
    expires_at: entry.expiresAtMs === null ? null : toTimestamp(entry.expiresAtMs),
    note: entry.note,
  };
}
