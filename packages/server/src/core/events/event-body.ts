import type { CanonicalEvent, RecipientState } from '@posthorn/sdk';

/** Where an event stands among all that the log learned of its message and recipient. */
export interface EventPosition {
  sequence: number;
  state: RecipientState | null;
  previousState: RecipientState | null;
}

/**
 * The log learns an event's position only inside its commit, when the event is already text. `data`
 * is the event's last key, so the position goes in before the two closing braces. The result is the
 * body that every endpoint gets, byte for byte, on each attempt.
 */
export function sealEventBody(json: string, position: EventPosition | null): string {
  if (position === null) return json;
  const { sequence, state, previousState } = position;
  const previous = previousState === null ? 'null' : `"${previousState}"`;
  const states = state === null ? '' : `,"state":"${state}","previous_state":${previous}`;
  return `${json.slice(0, -2)},"sequence":${sequence}${states}}}`;
}

/** The same event as an object: what its body says when it is read. */
export function sealEvent(event: CanonicalEvent, position: EventPosition | null): CanonicalEvent {
  if (position === null) return event;
  const { sequence, state, previousState } = position;
  const states = state === null ? {} : { state, previous_state: previousState };
  return { ...event, data: { ...event.data, sequence, ...states } };
}
