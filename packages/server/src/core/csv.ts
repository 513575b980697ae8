/** A row of a CSV text (RFC 4180), with the line on which it begins. */
export interface CsvRow {
  /** From 1. */
  line: number;
  cells: string[];
}

/**
 * Reads rows; any line ends, quoted cells with line breaks and doubled quotes. Empty lines are left out.
 * Total: a quote that is never closed runs to the end of the text, and one in the middle of a plain cell
 * stands for itself.
 */
export function parseCsv(text: string, firstLine = 1): CsvRow[] {
  const rows: CsvRow[] = [];
  let line = firstLine;
  let row: CsvRow = { line, cells: [] };
  let at = 0;
  const endRow = (): void => {
    if (row.cells.some((cell) => cell !== '')) rows.push(row);
    row = { line, cells: [] };
  };
  while (at < text.length) {
    let cell: string;
    if (text[at] === '"') {
      let end = at + 1;
      while (end < text.length && (text[end] !== '"' || text[end + 1] === '"')) {
        if (text[end] === '"') end += 1;
        end += 1;
      }
      cell = text.slice(at + 1, end).replaceAll('""', '"');
      line += countLineBreaks(cell);
      at = end + 1;
      // What stands between a closing quote and the comma belongs to nothing.
      const rest = /[,\r\n]/.exec(text.slice(at, at + 1_000));
      at = rest === null ? text.length : at + rest.index;
    } else {
      PLAIN_CELL.lastIndex = at;
      cell = PLAIN_CELL.exec(text)?.[0] ?? '';
      at += cell.length;
    }
    row.cells.push(cell);
    const mark = text[at];
    if (mark === ',') {
      at += 1;
      // A comma at the very end has an empty cell behind it.
      if (at === text.length) row.cells.push('');
    } else if (mark !== undefined) {
      at += mark === '\r' && text[at + 1] === '\n' ? 2 : 1;
      line += 1;
      endRow();
    }
  }
  endRow();
  return rows;
}

const PLAIN_CELL = /[^,\r\n]*/y;

function countLineBreaks(text: string): number {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0;
}

/** A row with its line end; cells are quoted where they have to be. */
export function formatCsvRow(cells: readonly string[]): string {
  const quoted = cells.map((cell) =>
    /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell,
  );
  return `${quoted.join(',')}\r\n`;
}

/**
 * Cuts a CSV text into pieces of about this many characters, at the ends of rows; a line end within
 * quotes is none.
 */
export function splitCsv(text: string, sizeChars: number): { line: number; text: string }[] {
  const pieces: { line: number; text: string }[] = [];
  let start = 0;
  let startLine = 1;
  let line = 1;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"') isQuoted = !isQuoted;
    if (char !== '\n' && !(char === '\r' && text[i + 1] !== '\n')) continue;
    line += 1;
    if (isQuoted || i - start < sizeChars) continue;
    pieces.push({ line: startLine, text: text.slice(start, i + 1) });
    start = i + 1;
    startLine = line;
  }
  if (start < text.length) pieces.push({ line: startLine, text: text.slice(start) });
  return pieces;
}
