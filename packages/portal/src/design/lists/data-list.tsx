import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useWords } from '../../words/words.tsx';
import { Button } from '../button.tsx';

export interface Column<T> {
  name: string;
  /** A track of CSS grid: `minmax(10rem, 2fr)`, `8rem`. */
  width: string;
  cell: (row: T) => ReactNode;
  /** Numbers stand right. */
  isNumber?: boolean;
  /** Left out on narrow screens. */
  isExtra?: boolean;
}

const ROW_PX = 36;
/** Rows above and below what is seen. */
const OVERSCAN = 12;
/** So near to the end, the next page is asked for. */
const AHEAD = 20;

export interface DataListProps<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** Called with the row that was opened by key or click. */
  open: (row: T) => void;
  /** What a screen reader calls the row's link. */
  linkOf: (row: T) => string;
  loadMore: () => void;
  hasMore: boolean;
  isLoading: boolean;
}

/**
 * A list of any length: only the rows that are seen are in the document. j and k (or the arrows) move
 * between rows, Enter opens one. On a phone each row becomes two lines of its first columns.
 */
export function DataList<T>({
  label,
  columns,
  rows,
  keyOf,
  open,
  linkOf,
  loadMore,
  hasMore,
  isLoading,
}: DataListProps<T>) {
  const { common } = useWords();
  const scroller = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState(0);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    getItemKey: (i) => keyOf(rows[i] as T),
  });
  const items = virtual.getVirtualItems();
  const lastSeen = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && !isLoading && lastSeen >= rows.length - AHEAD) loadMore();
  }, [hasMore, isLoading, lastSeen, rows.length, loadMore]);

  function move(to: number): void {
    const next = Math.min(Math.max(to, 0), rows.length - 1);
    setCurrent(next);
    virtual.scrollToIndex(next);
    requestAnimationFrame(() => {
      scroller.current?.querySelector<HTMLElement>(`[data-row="${next}"]`)?.focus();
    });
  }

  function onKeyDown(event: React.KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'j' || event.key === 'ArrowDown') move(current + 1);
    else if (event.key === 'k' || event.key === 'ArrowUp') move(current - 1);
    else if (event.key === 'Home') move(0);
    else if (event.key === 'End') move(rows.length - 1);
    else return;
    event.preventDefault();
  }

  const wide = { gridTemplateColumns: columns.map(({ width }) => width).join(' ') };
  return (
    <div
      ref={scroller}
      className="max-h-[calc(100vh-14rem)] min-h-40 overflow-auto rounded-md border border-line bg-surface"
    >
      <div
        role="table"
        aria-label={label}
        aria-rowcount={hasMore ? -1 : rows.length + 1}
        onKeyDown={onKeyDown}
      >
        <div
          role="rowgroup"
          className="sticky top-0 z-10 border-b border-line bg-surface max-sm:hidden"
        >
          <div
            role="row"
            aria-rowindex={1}
            style={wide}
            className="grid h-9 items-center gap-4 px-3 text-muted"
          >
            {columns.map(({ name, isNumber }) => (
              <div
                key={name}
                role="columnheader"
                className={`truncate ${isNumber === true ? 'text-right' : ''}`}
              >
                {name}
              </div>
            ))}
          </div>
        </div>
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index] as T;
            return (
              <div
                key={item.key}
                role="row"
                aria-rowindex={item.index + 2}
                aria-label={linkOf(row)}
                data-row={item.index}
                tabIndex={item.index === current ? 0 : -1}
                onFocus={() => setCurrent(item.index)}
                onClick={(event) => {
                  if ((event.target as HTMLElement).closest('a, button') === null) open(row);
                }}
                onKeyDown={(event) => {
                  if (event.key === 'Enter' && event.target === event.currentTarget) open(row);
                }}
                style={{ ...wide, height: item.size, transform: `translateY(${item.start}px)` }}
                className="absolute inset-x-0 top-0 grid cursor-pointer items-center gap-4 border-b border-line px-3 -outline-offset-2 hover:bg-sunken max-sm:!grid-cols-[1fr_auto]"
              >
                {columns.map(({ name, cell, isNumber, isExtra }, i) => (
                  <div
                    key={name}
                    role="cell"
                    className={`min-w-0 truncate ${isNumber === true ? 'text-right' : ''} ${isExtra === true || i > 1 ? 'max-sm:hidden' : ''}`}
                  >
                    {cell(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
      {hasMore && (
        <div className="flex justify-center p-2">
          <Button kind="quiet" isBusy={isLoading} onClick={loadMore}>
            {common.more}
          </Button>
        </div>
      )}
    </div>
  );
}
