import type { EventRecord } from '../../engine.ts';

/** Parts of a key as one text; the separator is in none of them that PostgreSQL could have stored. */
const join = (...parts: string[]): string => parts.join('\u0000');

/** Of a message and recipient; null where the event has not both. */
export function stateKeyOf({ projectId, messageKey, recipient }: EventRecord): string | null {
  return messageKey === null || recipient === null ? null : join(projectId, messageKey, recipient);
}

export function dedupKeyOf({ projectId, dedupKey }: EventRecord): string | null {
  return dedupKey === null ? null : join(projectId, dedupKey);
}

export function idKeyOf({ projectId, id }: Pick<EventRecord, 'projectId' | 'id'>): string {
  return join(projectId, id);
}

/** Of an endpoint whose lines are changed. */
export function endpointKeyOf(one: { projectId: string; endpointId: string }): string {
  return join(one.projectId, one.endpointId);
}

/** Of a line: the deliveries of one endpoint and order key. */
export function lineKeyOf(one: {
  projectId: string;
  endpointId: string;
  orderKey: string;
}): string {
  return join(one.projectId, one.endpointId, one.orderKey);
}

/**
 * One of each key, in the order in which everybody locks them: that of their UTF-16 units, which is the
 * same on every node.
 */
export function sortedByKey<T>(
  items: readonly T[],
  keyOf: (item: T) => string | null,
): Map<string, T> {
  const found = new Map<string, T>();
  for (const item of items) {
    const key = keyOf(item);
    if (key !== null && !found.has(key)) found.set(key, item);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
