import type { World } from '../program/world.ts';
import { fit } from './columns.ts';
import { renderTable, type TableColumn } from './table.ts';

/** What a command shows: for people, or with `--json` for programs. */
export interface Printer {
  readonly json: boolean;
  readonly colors: World['colors'];
  /** Places in a line; without an end where no terminal is. */
  readonly width: number;
  /** One thing: with `--json` the object on one line, else the lines. */
  thing(value: unknown, toLines: () => readonly string[]): void;
  /** Rows of a list: with `--json` an object a line. `hasHead`: the line of names goes before them. */
  rows<Row>(rows: readonly Row[], columns: readonly TableColumn<Row>[], hasHead: boolean): void;
  /** Beside what was asked for, on standard error; nothing with `--json`. */
  note(text: string): void;
  /** How far something is. On a terminal the next one takes its place; elsewhere nothing is shown. */
  progress(text: string): void;
}

const CLEAR_LINE = '\r\u001b[2K';

export function createPrinter(
  json: boolean,
  world: Pick<World, 'out' | 'writeError' | 'columns' | 'colors'>,
): Printer {
  const { out, colors } = world;
  const width = world.columns ?? Number.POSITIVE_INFINITY;
  let clear = '';
  return {
    json,
    colors,
    width,
    thing(value, toLines) {
      for (const line of json ? [JSON.stringify(value)] : toLines()) out(line);
    },
    rows(rows, columns, hasHead) {
      if (json) for (const row of rows) out(JSON.stringify(row));
      else for (const line of renderTable(rows, columns, { width, colors, hasHead })) out(line);
    },
    note(text) {
      if (!json) world.writeError(`${clear}${text}\n`);
      clear = '';
    },
    progress(text) {
      if (json || world.columns === null) return;
      world.writeError(`${clear}${fit(text, world.columns - 1)}`);
      clear = CLEAR_LINE;
    },
  };
}
