import type { CanonicalEvent } from '@posthorn/sdk';
import type { SinkRefusal } from '../../core/sink.ts';
import { messageOf } from '../../lib/errors.ts';
import type { SinkItem } from '../contract.ts';

/** What a sink's filter and transformation make of a piece of the log. */
export interface Prepared {
  items: SinkItem[];
  /** Those on which the expression failed. */
  broken: { position: number; refusal: SinkRefusal }[];
}

/** An event, and the same as JSON. */
export interface FoundEvent {
  position: number;
  event: CanonicalEvent;
  json: string;
}

/** Makes of an event, as JSON, what is sent, as JSON; undefined: nothing is. Throws when the expression fails on it. */
export type Transform = (json: string) => Promise<string | undefined>;

/** All of them at once: what evaluates expressions takes many together. */
export async function prepare(
  found: readonly FoundEvent[],
  wants: (event: CanonicalEvent) => boolean,
  transform: Transform | null,
): Promise<Prepared> {
  const wanted = found.filter(({ event }) => wants(event));
  if (transform === null) {
    const items = wanted.map(({ position, event, json }) => {
      return { position, event, json, isMade: false };
    });
    return { items, broken: [] };
  }
  const items: SinkItem[] = [];
  const broken: Prepared['broken'] = [];
  const made = await Promise.allSettled(wanted.map(({ json }) => transform(json)));
  for (const [i, { position, event }] of wanted.entries()) {
    const one = made[i];
    if (one?.status === 'rejected') {
      const detail = messageOf(one.reason);
      broken.push({ position, refusal: { eventId: event.id, code: 'transformation', detail } });
    } else if (one?.value !== undefined) {
      items.push({ position, event, json: one.value, isMade: true });
    }
  }
  return { items, broken };
}
