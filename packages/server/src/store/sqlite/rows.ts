import type { RecipientState } from '@posthorn/sdk';
import type { EventPosition } from '../../core/events/event-body.ts';
import type { AppendedEvent, AttemptRecord, EventRecord } from '../engine.ts';
import type { Row } from './protocol.ts';

/** How many values of an event's row belong to the event itself; then come standing and deliveries. */
export const EVENT_COLUMNS = 11;
export const STANDING_AT = EVENT_COLUMNS;
export const DELIVERIES_AT = STANDING_AT + 3;
export const DELIVERY_WIDTH = 6;

export function toEventRow(event: EventRecord): Row {
  const row: Row = [
    event.projectId,
    event.id,
    event.type,
    event.messageKey,
    event.recipient,
    event.occurredAtMs,
    event.receivedAtMs,
    event.dedupKey,
    event.json,
    event.raw,
    event.retainUntilMs,
    event.standing?.rank ?? null,
    event.standing?.atMs ?? null,
    event.standing?.state ?? null,
  ];
  for (const owed of event.deliveries) {
    const dueAtMs = owed.state === 'pending' ? owed.dueAtMs : null;
    row.push(owed.endpointId, owed.state, owed.urgency, dueAtMs, owed.node, owed.orderKey);
  }
  return row;
}

/** In the order of the parameters in record-attempts.ts. */
export function toAttemptRow(attempt: AttemptRecord): Row {
  const { next } = attempt;
  const pending = next.state === 'pending';
  return [
    attempt.projectId,
    attempt.eventId,
    attempt.endpointId,
    attempt.node,
    attempt.number,
    attempt.attemptId,
    attempt.startedAtMs,
    attempt.latencyMs,
    attempt.status,
    attempt.errorCode,
    attempt.errorDetail,
    attempt.responseExcerpt,
    attempt.trace,
    next.state,
    pending ? next.failures : 0,
    pending ? next.dueAtMs : null,
    pending ? null : next.endedAtMs,
    attempt.retainUntilMs,
    attempt.orderKey,
  ];
}

/** `[duplicateOf]`, or `[null, place, sequence, state, previousState]`, or `[null, place]` without a position. */
export function toAppendedRow(
  stored: { duplicateOf: string } | { place: number; position: EventPosition | null },
): Row {
  if ('duplicateOf' in stored) return [stored.duplicateOf];
  const { place, position } = stored;
  if (position === null) return [null, place];
  return [null, place, position.sequence, position.state, position.previousState];
}

export function fromAppendedRow(id: string, row: Row): AppendedEvent {
  const [duplicateOf, place, sequence, state, previousState] = row;
  const position =
    sequence === undefined
      ? null
      : {
          sequence: Number(sequence),
          state: state as RecipientState | null,
          previousState: previousState as RecipientState | null,
        };
  return {
    id,
    duplicateOf: duplicateOf as string | null,
    position,
    place: place === undefined ? null : Number(place),
  };
}
