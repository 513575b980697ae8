import { type ReactNode, useState } from 'react';
import { useWords } from '../../words/words.tsx';

export interface NumberColumn<T> {
  name: string;
  /** What rows are put in order by; null stands last, whichever way. */
  value: (row: T) => number | string | null;
  cell: (row: T) => ReactNode;
  /** Texts stand left; numbers, which most are, right. */
  isText?: boolean;
}

interface Order {
  column: number;
  isDown: boolean;
}

/**
 * Numbers to compare, put in order by any column: the same column once more turns it around. For as many rows as a
 * chart has points; DataList is for lists without end.
 */
export function NumberTable<T>({
  label,
  columns,
  rows,
  keyOf,
  className = '',
}: {
  label: string;
  columns: readonly NumberColumn<T>[];
  /** In the order that they have until a column is chosen. */
  rows: readonly T[];
  keyOf: (row: T) => string;
  className?: string;
}) {
  const [order, setOrder] = useState<Order | null>(null);
  const sorted = order === null ? rows : sortRows(rows, columns[order.column], order.isDown);
  return (
    // biome-ignore-start lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it.
    <section tabIndex={0} aria-label={label} className={`overflow-auto ${className}`}>
      <table className="w-full text-right">
        <thead className="sticky top-0 bg-surface">
          <tr>
            {columns.map(({ name, isText = false }, i) => (
              <Head
                key={name}
                name={name}
                isText={isText}
                sorted={order?.column === i ? order : null}
                sort={() => setOrder(nextOrder(order, i, isText))}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={keyOf(row)} className="border-t border-line">
              {columns.map(({ name, cell, isText = false }, i) => {
                const Cell = i === 0 ? 'th' : 'td';
                return (
                  <Cell
                    key={name}
                    {...(i === 0 ? { scope: 'row' } : {})}
                    className={`px-3 py-1.5 font-normal whitespace-nowrap ${isText ? 'text-left' : ''}`}
                  >
                    {cell(row)}
                  </Cell>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
    // biome-ignore-end lint/a11y/noNoninteractiveTabindex: as above.
  );
}

function Head({
  name,
  isText,
  sorted,
  sort,
}: {
  name: string;
  isText: boolean;
  /** Null: rows are not in its order. */
  sorted: Order | null;
  sort: () => void;
}) {
  const { common } = useWords();
  const order = sorted === null ? 'none' : sorted.isDown ? 'descending' : 'ascending';
  return (
    <th
      scope="col"
      aria-sort={order}
      className={`border-b border-line px-3 font-medium whitespace-nowrap ${isText ? 'text-left' : ''}`}
    >
      <button
        type="button"
        title={common.sortBy(name)}
        onClick={sort}
        className="inline-flex h-9 items-center gap-1 hover:underline"
      >
        {name}
        <span aria-hidden="true" className="w-3 text-muted">
          {sorted === null ? '' : sorted.isDown ? '↓' : '↑'}
        </span>
      </button>
    </th>
  );
}

/** Of numbers the largest is wanted first, of texts the beginning of the alphabet. */
function nextOrder(order: Order | null, column: number, isText: boolean): Order {
  return { column, isDown: order?.column === column ? !order.isDown : !isText };
}

function sortRows<T>(
  rows: readonly T[],
  column: NumberColumn<T> | undefined,
  isDown: boolean,
): readonly T[] {
  if (column === undefined) return rows;
  const known = rows.filter((row) => column.value(row) !== null);
  const unknown = rows.filter((row) => column.value(row) === null);
  const sorted = known.toSorted((a, b) => compare(column.value(a), column.value(b)));
  return [...(isDown ? sorted.reverse() : sorted), ...unknown];
}

function compare(a: number | string | null, b: number | string | null): number {
  return typeof a === 'number' && typeof b === 'number'
    ? a - b
    : String(a).localeCompare(String(b));
}
