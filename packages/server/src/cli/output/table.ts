import type { World } from '../program/world.ts';
import { type Cell, type Column, plain, renderColumns } from './columns.ts';

type Colors = World['colors'];

/** A column of a list. It is cut down to `minWidth` where the screen is narrow; without one never. */
export interface TableColumn<Row> {
  head: string;
  text(row: Row): string | number | null;
  minWidth?: number;
  align?: 'right';
  paint?(row: Row, colors: Colors): ((text: string) => string) | undefined;
}

export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly TableColumn<Row>[],
  screen: { width: number; colors: Colors; hasHead: boolean },
): string[] {
  const { colors } = screen;
  const heads = columns.map(({ head }): Cell => ({ text: head, paint: colors.dim }));
  const cells = rows.map((row) =>
    columns.map((column): Cell => {
      const paint = column.paint?.(row, colors);
      const text = plain(String(column.text(row) ?? '-'));
      return paint === undefined ? { text } : { text, paint };
    }),
  );
  const widths = columns.map(
    ({ minWidth = Number.POSITIVE_INFINITY, align }): Column =>
      align === undefined ? { minWidth } : { minWidth, align },
  );
  return renderColumns(screen.hasHead ? [heads, ...cells] : cells, widths, screen.width);
}

/** A line for each field: its name, and its value behind. Without value it is left out. */
export function renderFields(
  fields: readonly (readonly [string, string | number | null])[],
): string[] {
  const shown = fields.filter(([, value]) => value !== null && value !== '');
  const longest = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(longest)}  ${plain(String(value))}`);
}

/** `2026-11-21 16:00:00Z`: the fraction helps nobody who reads. */
export function toShortTime(timestamp: string): string {
  return timestamp.replace('T', ' ').replace(/\.\d+/, '');
}

/** Green where all is well, red where somebody has to do something, yellow between. */
export function paintState(state: string, colors: Colors): ((text: string) => string) | undefined {
  if (GOOD.has(state)) return colors.green;
  if (BAD.has(state)) return colors.red;
  return WAITING.has(state) ? colors.yellow : undefined;
}

const GOOD = new Set([
  'delivered',
  'verified',
  'enabled',
  'done',
  'ok',
  'pass',
  'opened',
  'clicked',
]);
const BAD = new Set([
  'dead',
  'bounced',
  'failed',
  'rejected',
  'failing',
  'refusing',
  'missing',
  'wrong',
  'fail',
  'complained',
]);
const WAITING = new Set([
  'retrying',
  'deferred',
  'disabled',
  'unknown',
  'pending',
  'skipped',
  'paused',
  'held',
  'warn',
]);
