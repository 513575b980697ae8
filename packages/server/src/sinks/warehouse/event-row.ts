import { createHash } from 'node:crypto';
import type { SinkItem } from '../contract.ts';

/**
 * What a table has of an event: what nearly every question asks by, and the whole as JSON. A column that
 * is new here is added to the tables that there are; none is ever taken away or changed.
 */
export interface EventRow {
  /** Of the event: no table has it twice. */
  id: string;
  type: string;
  /** When it happened. */
  timestampMs: number;
  message_id: string | null;
  recipient: string | null;
  /** JSON: the event, or what the transformation has made of it. */
  event: string;
}

export function toEventRow({ event, json }: SinkItem): EventRow {
  const { message, recipient } = event.data;
  return {
    id: event.id,
    type: event.type,
    timestampMs: Date.parse(event.timestamp),
    message_id: message?.id ?? null,
    recipient: recipient ?? null,
    event: json,
  };
}

/** About as many bytes as it has in a request or statement. */
export function sizeOfRow(item: SinkItem): number {
  const { event, recipient } = toEventRow(item);
  return Buffer.byteLength(event) + (recipient?.length ?? 0) + 300;
}

/** The same for the same events in the same order, and for no others; hex. */
export function batchDigest(items: readonly SinkItem[]): string {
  const ids = items.map(({ event }) => event.id).join('\n');
  return createHash('sha256').update(ids).digest('hex');
}
