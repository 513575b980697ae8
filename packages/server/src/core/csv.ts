/** A row of a CSV text (RFC 4180), with the line on which it begins. */
export interface CsvRow {
  /** From 1. */
  line: number;
  cells: string[];
}

/**
 * Reads rows; any line ends, quoted cells with line breaks and doubled quotes. Empty lines are left out.
 * Total: a quote that is not closed stands for itself, and so does one in the middle of a plain cell.
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
    const end = text[at] === '"' ? findClosingQuote(text, at) : -1;
    if (end === -1) {
      cell = readPlain(text, at);
      at += cell.length;
    } else {
      cell = text.slice(at + 1, end).replaceAll('""', '"');
      line += countLineBreaks(cell);
      // What stands between a closing quote and the comma belongs to nothing.
      at = end + 1 + readPlain(text, end + 1).length;
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

function readPlain(text: string, at: number): string {
  PLAIN_CELL.lastIndex = at;
  return PLAIN_CELL.exec(text)?.[0] ?? '';
}

/** Beyond this nobody meant to open a cell there, and a list of 300,000 lines must not end at one stray quote. */
const MAX_QUOTED_CHARS = 10_000;

/** Where the cell that a quote opens at `at` is closed; -1: it is not. */
function findClosingQuote(text: string, at: number): number {
  const limit = Math.min(text.length, at + MAX_QUOTED_CHARS);
  for (let end = at + 1; end < limit; end++) {
    if (text[end] !== '"') continue;
    if (text[end + 1] !== '"') return end;
    end += 1;
  }
  return -1;
}

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

/** A part of a CSV text. */
export interface CsvPiece {
  /** On which it begins, from 1. */
  line: number;
  text: string;
  /** Those that are not empty. */
  rows: number;
}

/**
 * Cuts a CSV text into pieces of about this many characters, at the ends of rows as `parseCsv` sees them.
 */
export function splitCsv(text: string, sizeChars: number): CsvPiece[] {
  const pieces: CsvPiece[] = [];
  let [start, startLine, line, rows] = [0, 1, 1, 0];
  let [isCellStart, isEmpty] = [true, true];
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    const end = char === '"' && isCellStart ? findClosingQuote(text, i) : -1;
    if (end !== -1) {
      line += countLineBreaks(text.slice(i, end));
      isEmpty &&= end === i + 1;
      i = end;
      isCellStart = false;
      continue;
    }
    const isBreak = char === '\n' || (char === '\r' && text[i + 1] !== '\n');
    isCellStart = isBreak || char === ',';
    if (!isBreak) {
      isEmpty &&= char === ',' || char === '\r';
      continue;
    }
    line += 1;
    if (!isEmpty) rows += 1;
    isEmpty = true;
    if (i - start < sizeChars) continue;
    pieces.push({ line: startLine, text: text.slice(start, i + 1), rows });
    [start, startLine, rows] = [i + 1, line, 0];
  }
  if (start < text.length) {
    pieces.push({ line: startLine, text: text.slice(start), rows: isEmpty ? rows : rows + 1 });
  }
  return pieces;
}
