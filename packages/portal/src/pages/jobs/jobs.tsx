import { useInfiniteQuery } from '@tanstack/react-query';
import { jobsQuery } from '../../api/queries.ts';
import { Button } from '../../design/button.tsx';
import { Empty, ProblemNotice, Skeleton } from '../../design/notices.tsx';
import { Card, Page } from '../../design/page.tsx';
import { useLanguage } from '../../words/words.tsx';
import { isOpen, JobRow } from './job-row.tsx';

const LOOK_AGAIN_MS = 2_000;

/** Long work, with how far it has come; it goes on when this page is closed. */
export function Jobs() {
  const { words } = useLanguage();
  const query = useInfiniteQuery({
    ...jobsQuery({}),
    refetchInterval: ({ state }) =>
      state.data?.pages.some(({ data }) => data.some(isOpen)) ? LOOK_AGAIN_MS : false,
  });
  const rows = query.data?.pages.flatMap(({ data }) => data) ?? [];
  return (
    <Page title={words.jobs.title}>
      {query.isPending ? (
        <Skeleton />
      ) : query.isError ? (
        <ProblemNotice error={query.error} retry={() => void query.refetch()} />
      ) : rows.length === 0 ? (
        <Empty title={words.jobs.empty} help={words.jobs.emptyHelp} />
      ) : (
        <Card>
          <ul>
            {rows.map((job) => (
              <JobRow key={job.id} job={job} />
            ))}
          </ul>
          {query.hasNextPage && (
            <Button kind="quiet" onClick={() => void query.fetchNextPage()}>
              {words.common.more}
            </Button>
          )}
        </Card>
      )}
    </Page>
  );
}
