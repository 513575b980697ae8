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

/** Makes of an event what is sent; undefined: nothing is. Throws when the expression fails on it. */
export type Transform = (event: CanonicalEvent) => Promise<unknown>;

export async function prepare(
  found: readonly { position: number; event: CanonicalEvent }[],
  wants: (event: CanonicalEvent) => boolean,
  transform: Transform | null,
): Promise<Prepared> {
  const items: SinkItem[] = [];
  const broken: Prepared['broken'] = [];
  for (const { position, event } of found) {
    if (!wants(event)) continue;
    try {
      const body = transform === null ? event : await transform(event);
      if (body !== undefined) items.push({ position, event, body });
    } catch (error) {
      const detail = messageOf(error);
      broken.push({ position, refusal: { eventId: event.id, code: 'transformation', detail } });
    }
  }
  return { items, broken };
}
