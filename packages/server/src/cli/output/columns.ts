/** A piece of text in a table; `paint` colours it once it has been padded, so that widths stay true. */
export interface Cell {
  text: string;
  paint?: (text: string) => string;
}

export interface Column {
  /** Never narrower than this, if its cells are that wide. */
  minWidth: number;
  align?: 'right';
}

const GAP = '  ';

/** A wide character (East Asian, emoji) takes two places on a terminal. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

const segmenter = new Intl.Segmenter();

/** Places that a text takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** Cuts with an ellipsis. */
export function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = '';
  let used = 1;
  for (const { segment } of segmenter.segment(text)) {
    used += widthOf(segment);
    if (used > width) break;
    cut += segment;
  }
  return `${cut.trimEnd()}…`;
}

/** A mail server's reply must not move the cursor or ring the bell. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\s]+/g, ' ').trim();
}

/**
 * Rows as aligned lines that fit into `width`. The widest column gives way first, each down to its
 * minimum.
 */
export function renderColumns(
  rows: readonly (readonly Cell[])[],
  columns: readonly Column[],
  width: number,
): string[] {
  const widths = columns.map((_, at) =>
    Math.max(...rows.map((row) => widthOf(row[at]?.text ?? ''))),
  );
  let excess =
    widths.reduce((sum, one) => sum + one, 0) + GAP.length * (columns.length - 1) - width;
  for (; excess > 0; excess -= 1) {
    const widest = findWidest(widths, columns);
    if (widest === null) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return rows.map((row) =>
    columns
      .map((column, at) => {
        const { text, paint }: Cell = row[at] ?? { text: '' };
        const fitted = fit(text, widths[at] ?? 0);
        const shown = paint === undefined ? fitted : paint(fitted);
        const padding = ' '.repeat((widths[at] ?? 0) - widthOf(fitted));
        return column.align === 'right' ? padding + shown : shown + padding;
      })
      .join(GAP)
      .trimEnd(),
  );
}

function findWidest(widths: readonly number[], columns: readonly Column[]): number | null {
  let found: number | null = null;
  for (const [at, { minWidth }] of columns.entries()) {
    const width = widths[at] ?? 0;
    if (width > minWidth && (found === null || width > (widths[found] ?? 0))) found = at;
  }
  return found;
}
