import type { Option } from 'commander';
import type { TableColumn } from '../output/table.ts';
import { option, type ServerCall } from '../program/command-spec.ts';
import { toQuery, wholeNumber } from '../program/values.ts';
import type { ApiClient } from './api-client.ts';

export interface PageOptions {
  limit: number;
  all?: boolean;
}

const MAX_PAGE = 100;
const USUAL_LIMIT = 20;

export const pageOptions = (): Option[] => [
  option('--limit <number>', 'how many, the newest first', wholeNumber(1, 1_000_000)).default(
    USUAL_LIMIT,
  ),
  option('--all', 'all there are'),
];

/** The rows of a list page by page, as many as are wanted. */
export async function* readPages<Row>(
  { get }: Pick<ApiClient, 'get'>,
  path: string,
  options: { query: Readonly<Record<string, string | undefined>>; limit: number },
): AsyncGenerator<{ rows: Row[]; hasMore: boolean }> {
  let left = options.limit;
  let cursor: string | undefined;
  while (left > 0) {
    const limit = Math.min(left, MAX_PAGE);
    const query = toQuery({ ...options.query, limit, cursor });
    const { data, next_cursor } = await get<{ data: Row[]; next_cursor: string | null }>(
      `${path}${query}`,
    );
    left -= data.length;
    yield { rows: data, hasMore: next_cursor !== null };
    if (next_cursor === null) return;
    cursor = next_cursor;
  }
}

/** Shows a list. `empty` is said where there is nothing. Resolves with the exit code. */
export async function printList<Row>(
  { client, print, options }: Pick<ServerCall<PageOptions>, 'client' | 'print' | 'options'>,
  path: string,
  list: {
    query?: Readonly<Record<string, string | undefined>>;
    columns: readonly TableColumn<Row>[];
    empty: string;
  },
): Promise<number> {
  const { query = {}, columns, empty } = list;
  const limit = options.all === true ? Number.POSITIVE_INFINITY : options.limit;
  let count = 0;
  let hasMore = false;
  for await (const page of readPages<Row>(client, path, { query, limit })) {
    if (page.rows.length > 0) print.rows(page.rows, columns, count === 0);
    count += page.rows.length;
    hasMore = page.hasMore;
  }
  if (count === 0) print.note(empty);
  if (hasMore)
    print.note(`There are more; --all shows them, --limit ${limit * 5} five times as many.`);
  return 0;
}
