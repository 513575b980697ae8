import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { EndpointNumbers } from '../../api/objects.ts';
import { toProblem } from '../../api/problem.ts';
import { endpointNumbersQuery, endpointsQuery } from '../../api/queries.ts';
import { Button } from '../../design/button.tsx';
import { NumberTable } from '../../design/lists/number-table.tsx';
import { PartNotice, ProblemNotice, Waiting } from '../../design/notices.tsx';
import { Card, Section } from '../../design/page.tsx';
import { formatCount, formatShare, formatSpan } from '../../words/format.ts';
import { useLanguage } from '../../words/words.tsx';
import { type StatsFilters, timeOf } from './stats-filters.ts';

/** Is your application told? How the endpoints did with the events of this time. */
export function EndpointNumbersSection({ filters }: { filters: StatsFilters }) {
  const { words } = useLanguage();
  const { analytics, common, endpoints } = words;
  const { period, since, until } = filters;
  const key = JSON.stringify({ period, since, until });
  const time = useMemo(() => timeOf(JSON.parse(key), Date.now()), [key]);
  const { data, error, refetch, ...query } = useInfiniteQuery(endpointNumbersQuery(time));
  // The time that was asked for is refused: the page says so above.
  if (error !== null && toProblem(error).status === 422) return null;
  const rows = data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <Section title={analytics.endpoints}>
      <p className="mb-3 text-muted">{analytics.endpointsLead}</p>
      {data === undefined ? (
        error === null ? (
          <Waiting rows={3} />
        ) : (
          <ProblemNotice error={error} retry={() => void refetch()} />
        )
      ) : rows.length === 0 ? (
        <p className="text-muted">{endpoints.empty}</p>
      ) : (
        <>
          <EndpointTable rows={rows} />
          {error !== null && (
            <PartNotice lead={common.halfLoaded} error={error} retry={() => void refetch()} />
          )}
          {query.hasNextPage && (
            <Button
              kind="quiet"
              isBusy={query.isFetchingNextPage}
              onClick={() => void query.fetchNextPage()}
            >
              {common.more}
            </Button>
          )}
        </>
      )}
    </Section>
  );
}

function EndpointTable({ rows }: { rows: readonly EndpointNumbers[] }) {
  const { words, language } = useLanguage();
  const { analytics, deliveries, deliveryStates } = words;
  const known = useInfiniteQuery(endpointsQuery()).data?.pages.flatMap(({ data }) => data) ?? [];
  const urls = new Map(known.map(({ id, url }) => [id, url]));
  const nameOf = ({ endpoint_id, endpoint_uid }: EndpointNumbers): string =>
    urls.get(endpoint_id) ?? endpoint_uid ?? endpoint_id;
  const count = (value: number) => formatCount(value, language);
  const span = (ms: number | null) => (ms === null ? '–' : formatSpan(ms, words));
  return (
    <Card>
      <NumberTable
        label={analytics.endpoints}
        className="max-h-96"
        rows={rows}
        keyOf={({ endpoint_id }) => endpoint_id}
        columns={[
          {
            name: deliveries.endpoint,
            isText: true,
            value: nameOf,
            cell: (row) => (
              <Link to="/webhooks/$id" params={{ id: row.endpoint_id }} className="underline">
                {nameOf(row)}
              </Link>
            ),
          },
          {
            name: analytics.success,
            value: ({ success_rate }) => success_rate,
            cell: ({ success_rate }) => formatShare(success_rate, language),
          },
          {
            name: deliveryStates.delivered,
            value: ({ delivered }) => delivered,
            cell: ({ endpoint_id, delivered, at_least }) => (
              <Link
                to="/webhooks/$id"
                params={{ id: endpoint_id }}
                search={{ state: 'delivered' }}
                className="no-underline hover:underline"
              >
                {count(delivered)}
                {at_least && '+'}
              </Link>
            ),
          },
          {
            name: deliveryStates.dead,
            value: ({ dead }) => dead,
            cell: ({ endpoint_id, dead }) => (
              <Link
                to="/dead-letters"
                search={{ endpoint_id }}
                className="no-underline hover:underline"
              >
                {count(dead)}
              </Link>
            ),
          },
          {
            name: deliveryStates.pending,
            value: ({ pending }) => pending,
            cell: ({ pending }) => count(pending),
          },
          {
            name: analytics.retries,
            value: ({ retries }) => retries,
            cell: ({ retries }) => count(retries),
          },
          {
            name: analytics.median,
            value: ({ latency_ms }) => latency_ms.p50,
            cell: ({ latency_ms }) => span(latency_ms.p50),
          },
          {
            name: analytics.p95,
            value: ({ latency_ms }) => latency_ms.p95,
            cell: ({ latency_ms }) => span(latency_ms.p95),
          },
        ]}
      />
    </Card>
  );
}
