import type { CanonicalEvent } from '@posthorn/sdk';
import { plain } from '../output/columns.ts';
import { paintState, type TableColumn, toShortTime } from '../output/table.ts';
import type { World } from '../program/world.ts';

export const EVENT_COLUMNS: readonly TableColumn<CanonicalEvent>[] = [
  { head: 'event', text: ({ id }) => id },
  { head: 'time', minWidth: 17, text: ({ timestamp }) => toShortTime(timestamp) },
  { head: 'type', minWidth: 15, text: ({ type }) => type },
  { head: 'recipient', minWidth: 8, text: ({ data }) => data.recipient ?? null },
];

/** An event on one line, with what the mail server said. */
export function renderEventLine(event: CanonicalEvent, colors: World['colors']): string {
  const { type, timestamp, data } = event;
  const paint = paintState(type.replace(/^\w+\./, ''), colors) ?? String;
  const answer = data.delivery?.response ?? data.bounce?.description ?? '';
  const parts = [timestamp.slice(11, 19), paint(type), plain(data.recipient ?? ''), event.id];
  return [...parts, plain(answer)].filter((part) => part !== '').join('  ');
}
