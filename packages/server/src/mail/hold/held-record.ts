import type { EventHold } from '@posthorn/sdk';
import { HOLD_MS } from '../../core/mail/hold-rules.ts';
import { toTimestamp } from '../../lib/clock.ts';
import type { HeldRecord } from '../../store/mail/held-messages.ts';
import type { MessageRecord } from '../../store/mail/messages.ts';

export function newHeldRecord(
  { projectId, id: messageId }: Pick<MessageRecord, 'projectId' | 'id'>,
  hold: Pick<HeldRecord, 'reason' | 'rule'>,
  nowMs: number,
): HeldRecord {
  return { projectId, messageId, ...hold, heldAtMs: nowMs, expiresAtMs: nowMs + HOLD_MS };
}

/** As events have it. */
export function toHoldBlock({ reason, rule, expiresAtMs }: HeldRecord): EventHold {
  return { reason, rule, expires_at: toTimestamp(expiresAtMs) };
}
