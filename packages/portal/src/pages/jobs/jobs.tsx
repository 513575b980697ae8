import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { call } from '../../api/client.ts';
import type { Job, JobState } from '../../api/objects.ts';
import { jobsQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Empty, ProblemNotice, Skeleton } from '../../design/notices.tsx';
import { Card, Page } from '../../design/page.tsx';
import { Time } from '../../design/time.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage } from '../../words/words.tsx';

const LOOK_AGAIN_MS = 2_000;
const OPEN: ReadonlySet<JobState> = new Set(['queued', 'running', 'paused']);

/** Long work, with how far it has come; it goes on when this page is closed. */
export function Jobs() {
  const { words } = useLanguage();
  const query = useInfiniteQuery({
    ...jobsQuery({}),
    refetchInterval: ({ state }) =>
      state.data?.pages.some(({ data }) => data.some((job) => OPEN.has(job.state)))
        ? LOOK_AGAIN_MS
        : false,
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

function JobRow({ job }: { job: Job }) {
  const { words, language } = useLanguage();
  const client = useQueryClient();
  const mayManage = useMayManage();
  const act = useMutation({
    mutationFn: (action: 'pause' | 'resume' | 'cancel') =>
      call(`/v1/jobs/${encodeURIComponent(job.id)}/${action}`, { method: 'POST' }),
    onSettled: () => client.invalidateQueries({ queryKey: jobsQuery({}).queryKey }),
  });
  const { done, total } = job.progress;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line p-3 last:border-0">
      <span className="w-32 font-medium">{job.kind.replaceAll('_', ' ')}</span>
      <span className="w-24 text-muted">{words.jobs.states[job.state]}</span>
      <span className="flex min-w-48 flex-1 items-center gap-3">
        <progress
          aria-label={job.kind}
          max={total ?? 1}
          value={total === null ? (OPEN.has(job.state) ? undefined : 1) : done}
          className="h-2 flex-1 accent-accent"
        />
        <span className="text-muted">
          {words.jobs.progress(
            formatCount(done, language),
            total === null ? '…' : formatCount(total, language),
          )}
        </span>
      </span>
      <Time at={job.created_at} />
      {job.error !== null && <p className="w-full text-bad">{job.error}</p>}
      {mayManage && OPEN.has(job.state) && (
        <span className="flex gap-2">
          <Button onClick={() => act.mutate(job.state === 'paused' ? 'resume' : 'pause')}>
            {job.state === 'paused' ? words.jobs.resume : words.jobs.pause}
          </Button>
          <Button kind="danger" onClick={() => act.mutate('cancel')}>
            {words.jobs.cancel}
          </Button>
        </span>
      )}
    </li>
  );
}
