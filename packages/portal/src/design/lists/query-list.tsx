import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import { type ReactNode, useCallback } from 'react';
import type { Page } from '../../api/objects.ts';
import { useWords } from '../../words/words.tsx';
import { PartNotice, ProblemNotice, Waiting } from '../notices.tsx';
import { DataList, type DataListProps } from './data-list.tsx';

/**
 * A list that is read page by page, in each state that it can be in: on its way, failed, empty, there, and
 * there in part, when a later page did not come.
 */
export function QueryList<T>({
  query,
  empty,
  ...list
}: Omit<DataListProps<T>, 'rows' | 'hasMore' | 'isLoading' | 'loadMore'> & {
  query: UseInfiniteQueryResult<InfiniteData<Page<T>>>;
  /** What it means that there is none. */
  empty: ReactNode;
}) {
  const { common } = useWords();
  const { data, error, isError, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query;
  const loadMore = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  if (data === undefined) {
    return isError ? <ProblemNotice error={error} retry={() => void refetch()} /> : <Waiting />;
  }
  const rows = data.pages.flatMap((page) => page.data);
  if (rows.length === 0 && !hasNextPage) return empty;
  return (
    <>
      <DataList
        {...list}
        rows={rows}
        // What failed is asked for again by a click, not each time that the list is drawn.
        hasMore={hasNextPage && !isError}
        isLoading={isFetchingNextPage}
        loadMore={loadMore}
      />
      {isError && (
        <PartNotice
          lead={common.halfLoaded}
          error={error}
          retry={() => (hasNextPage ? loadMore() : void refetch())}
        />
      )}
    </>
  );
}
