import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { type Query, stream } from '../../api/client.ts';
import type { PosthornEvent } from '../../api/objects.ts';
import { type PeriodFilters, toRange } from '../../api/period.ts';
import { eventsQuery, eventTypesQuery } from '../../api/queries.ts';
import { Button } from '../../design/button.tsx';
import { FilterField, SelectField } from '../../design/forms/field.tsx';
import { PeriodFields } from '../../design/forms/period-fields.tsx';
import { Icon } from '../../design/icon.tsx';
import type { Column } from '../../design/lists/data-list.tsx';
import { QueryList } from '../../design/lists/query-list.tsx';
import { Empty } from '../../design/notices.tsx';
import { Page } from '../../design/page.tsx';
import { EventTypeBadge } from '../../design/state.tsx';
import { Time } from '../../design/time.tsx';
import { useWords } from '../../words/words.tsx';

const route = getRouteApi('/events');

/** The log as it grows. What comes new waits behind a pill, so that nothing moves under the eyes. */
export function Events() {
  const { events, common } = useWords();
  const navigate = route.useNavigate();
  const filters = route.useSearch();
  const client = useQueryClient();
  const key = JSON.stringify(filters);
  const asked = useMemo(() => toEventsQuery(JSON.parse(key), Date.now()), [key]);
  const options = eventsQuery(asked);
  const query = useInfiniteQuery(options);
  const types = useQuery(eventTypesQuery()).data?.data ?? [];
  const { isLive, setLive, count, reset } = useNewEvents(filters);

  function change(name: keyof typeof filters, value: string): void {
    void navigate({
      replace: true,
      search: ({ [name]: _, ...rest }) => (value === '' ? rest : { ...rest, [name]: value }),
    });
  }

  function showNew(): void {
    reset();
    void client.resetQueries({ queryKey: options.queryKey });
  }

  const columns: Column<PosthornEvent>[] = [
    {
      name: events.type,
      width: 'minmax(12rem, 1fr)',
      cell: ({ type }) => <EventTypeBadge type={type} />,
    },
    { name: events.when, width: '8rem', cell: ({ timestamp }) => <Time at={timestamp} /> },
    {
      name: events.recipient,
      width: 'minmax(12rem, 2fr)',
      cell: ({ data }) => <span className="font-mono text-[13px]">{data.recipient}</span>,
      isExtra: true,
    },
    {
      name: events.what,
      width: 'minmax(12rem, 3fr)',
      cell: ({ data }) => (
        <span className="text-muted">
          {data.bounce?.reason ?? data.delivery?.response ?? data.message?.subject}
        </span>
      ),
      isExtra: true,
    },
  ];
  const isFiltered = Object.keys(filters).length > 0;

  return (
    <Page
      title={events.title}
      isWide
      actions={
        <Button aria-pressed={isLive} onClick={() => setLive(!isLive)}>
          <Icon name={isLive ? 'pause' : 'events'} />
          {isLive ? events.pause : events.live}
        </Button>
      }
    >
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <SelectField
          label={events.type}
          value={filters.type ?? ''}
          options={[['', common.all], ...types.map(({ type }): [string, string] => [type, type])]}
          onChange={(event) => change('type', event.target.value)}
          className="!w-auto"
        />
        <FilterField
          label={events.recipient}
          placeholder={events.recipient}
          defaultValue={filters.recipient ?? ''}
          onChange={(event) => change('recipient', event.target.value.trim())}
          className="max-w-xs"
        />
        <PeriodFields
          filters={filters}
          periods={['hour', 'day', 'week', 'month']}
          change={change}
        />
        {isFiltered && (
          <Button kind="quiet" onClick={() => void navigate({ search: {} })}>
            {common.clear}
          </Button>
        )}
        <div role="status" className="ml-auto">
          {count > 0 && <Button onClick={showNew}>{common.newRows(count)}</Button>}
        </div>
      </div>
      <QueryList
        query={query}
        empty={
          <Empty
            title={isFiltered ? events.noMatch : events.empty}
            help={isFiltered ? '' : events.emptyHelp}
          />
        }
        label={events.title}
        columns={columns}
        keyOf={({ id }) => id}
        linkOf={({ type, data }) => `${type} ${data.recipient ?? ''}`}
        open={({ id }) => void navigate({ to: '/events/$id', params: { id } })}
      />
    </Page>
  );
}

type EventFilters = PeriodFilters & { type?: string; recipient?: string; message_id?: string };

function toEventsQuery(filters: EventFilters, nowMs: number): Query {
  const { period: _p, since: _s, until: _u, ...rest } = filters;
  return { ...rest, ...toRange(filters, nowMs) };
}

/** Counts what has come since the list was read, from the event stream. A time that is over has nothing new. */
function useNewEvents({ period, since: _s, until, ...filters }: EventFilters) {
  const [isLive, setLive] = useState(true);
  const [count, setCount] = useState(0);
  const key = JSON.stringify(filters);
  const isOver = period === 'own' && until !== undefined;
  useEffect(() => {
    setCount(0);
    if (!isLive || isOver) return;
    const controller = new AbortController();
    async function follow(): Promise<void> {
      for await (const _ of stream('/v1/events/stream', JSON.parse(key), controller.signal)) {
        setCount((before) => before + 1);
      }
    }
    // A stream that ends is no error of this page: the list can be read all the same.
    follow().catch(() => {});
    return () => controller.abort();
  }, [isLive, isOver, key]);
  return { isLive, setLive, count, reset: () => setCount(0) };
}
