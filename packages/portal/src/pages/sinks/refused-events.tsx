import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { call } from '../../api/client.ts';
import type { Sink } from '../../api/objects.ts';
import { refusedQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Code } from '../../design/copy.tsx';
import { Card, Section } from '../../design/page.tsx';
import { Time } from '../../design/time.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage } from '../../words/words.tsx';
import { sinkPath, useRefreshSink } from './use-sink.ts';

/** As often as the sink itself, ms. */
const LOOK_AGAIN_MS = 10_000;

/** Why the destination did not take the newest of them. */
export function LatestRefusal({ sink }: { sink: Sink }) {
  const latest = useInfiniteQuery(refusedQuery(sink.id)).data?.pages[0]?.data[0];
  if (latest === undefined) return null;
  return (
    <p>
      {latest.detail} ({latest.code})
    </p>
  );
}

/** What the destination will not take, with its answer, and once more. */
export function RefusedEvents({ sink }: { sink: Sink }) {
  const { words, language } = useLanguage();
  const { sinks, common } = words;
  const mayManage = useMayManage();
  const refresh = useRefreshSink(sink);
  const query = useInfiniteQuery({ ...refusedQuery(sink.id), refetchInterval: LOOK_AGAIN_MS });
  const resend = useMutation({
    mutationFn: () =>
      call<{ sent: number; refused: number }>(`${sinkPath(sink)}/refused/resend`, {
        method: 'POST',
        body: {},
      }),
    onSettled: refresh,
  });
  const rows = query.data?.pages.flatMap(({ data }) => data) ?? [];
  const count = (n: number) => formatCount(n, language);
  return (
    <Section
      title={sinks.refused}
      aside={
        mayManage &&
        rows.length > 0 && (
          <Button isBusy={resend.isPending} onClick={() => resend.mutate()}>
            {sinks.resend}
          </Button>
        )
      }
    >
      <p className="mb-2 text-muted">
        {rows.length > 0 ? sinks.refusedLead : sinks.nothingRefused}
      </p>
      <p role="status" className={resend.isError ? 'text-bad' : ''}>
        {resend.error?.message ??
          (resend.data && sinks.resent(count(resend.data.sent), count(resend.data.refused)))}
      </p>
      {rows.length > 0 && (
        <Card>
          <ul>
            {rows.map(({ event_id, event_type, recipient, code, detail, refused_at }) => (
              <li key={event_id} className="border-b border-line p-3 last:border-0">
                <div className="flex flex-wrap items-center gap-2">
                  <Link to="/events/$id" params={{ id: event_id }}>
                    <Code text={event_id} isShort />
                  </Link>
                  {event_type !== null && <span className="font-medium">{event_type}</span>}
                  {recipient !== null && <span className="wrap-anywhere">{recipient}</span>}
                  <span className="text-muted">
                    {code} · <Time at={refused_at} />
                  </span>
                </div>
                <p className="mt-1 wrap-anywhere">{detail}</p>
              </li>
            ))}
          </ul>
          {query.hasNextPage && (
            <Button kind="quiet" onClick={() => void query.fetchNextPage()}>
              {common.more}
            </Button>
          )}
        </Card>
      )}
    </Section>
  );
}
