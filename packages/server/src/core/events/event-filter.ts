import { EVENT_TYPES, type EventType } from '@posthorn/sdk';
import { nearestName } from '../nearest-name.ts';

/**
 * Event-type filters: a type (`email.bounced`), a family (`email.*`), or everything (`*`). Compiled
 * when an endpoint is saved into the set of types it lets through, so that matching an event is one
 * look-up. Types that Posthorn sends about an endpoint itself are in `*` as well.
 */
export function compileEventFilter(patterns: readonly string[]): ReadonlySet<EventType> {
  const types = new Set<EventType>();
  for (const pattern of patterns) for (const type of typesOf(pattern)) types.add(type);
  return types;
}

/** `null` when the pattern can match; otherwise a sentence that says what to write instead. */
export function explainEventPattern(pattern: string): string | null {
  if (typesOf(pattern).length > 0) return null;
  const nearest = nearestName(pattern, [...EVENT_TYPES, ...FAMILIES]);
  return `There is no event type "${pattern}".${nearest === null ? '' : ` Did you mean "${nearest}"?`} GET /v1/event-types lists them.`;
}

const FAMILIES = [
  ...new Set(EVENT_TYPES.map((type) => `${type.slice(0, type.indexOf('.'))}.*`)),
  '*',
];

function typesOf(pattern: string): readonly EventType[] {
  if (pattern === '*') return EVENT_TYPES;
  if (pattern.endsWith('.*')) {
    const family = pattern.slice(0, -1);
    return EVENT_TYPES.filter((type) => type.startsWith(family));
  }
  return EVENT_TYPES.filter((type) => type === pattern);
}
