import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { Query } from '../../api/client.ts';
import type { Delivery } from '../../api/objects.ts';
import { deliveriesQuery } from '../../api/queries.ts';
import type { Column } from '../../design/lists/data-list.tsx';
import { QueryList } from '../../design/lists/query-list.tsx';
import { Empty } from '../../design/notices.tsx';
import { DeliveryStateBadge } from '../../design/state.tsx';
import { Time } from '../../design/time.tsx';
import { useWords } from '../../words/words.tsx';

/** Deliveries that match `filters`; `empty` says what it means that there is none. */
export function DeliveriesList({
  filters,
  empty,
  isOfEndpoint = false,
}: {
  filters: Query;
  /** All of them are of one endpoint, which needs no column then. */
  isOfEndpoint?: boolean;
  empty: { title: string; help: string };
}) {
  const { deliveries } = useWords();
  const navigate = useNavigate();
  const query = useInfiniteQuery(deliveriesQuery(filters));
  const columns: Column<Delivery>[] = [
    {
      name: deliveries.state,
      width: '9rem',
      cell: ({ state }) => <DeliveryStateBadge state={state} />,
    },
    { name: deliveries.created, width: '8rem', cell: ({ created_at }) => <Time at={created_at} /> },
    {
      name: deliveries.endpoint,
      width: 'minmax(14rem, 3fr)',
      cell: (one) => (
        <span className="font-mono text-[13px]">{one.endpoint_url ?? one.endpoint_id}</span>
      ),
      isExtra: true,
    },
    {
      name: deliveries.lastAnswer,
      width: 'minmax(8rem, 1fr)',
      cell: ({ last_status, last_error }) => last_status ?? last_error,
      isExtra: true,
    },
    {
      name: deliveries.attempts,
      width: '6rem',
      isNumber: true,
      isExtra: true,
      cell: ({ attempt_count }) => attempt_count,
    },
    {
      name: deliveries.next,
      width: '8rem',
      isExtra: true,
      cell: ({ next_attempt_at }) =>
        next_attempt_at === null ? '' : <Time at={next_attempt_at} />,
    },
  ];
  return (
    <QueryList
      query={query}
      empty={<Empty {...empty} />}
      label={deliveries.title}
      columns={isOfEndpoint ? columns.filter(({ name }) => name !== deliveries.endpoint) : columns}
      keyOf={({ id }) => id}
      linkOf={({ state, endpoint_url }) =>
        `${deliveries[state === 'dead' ? 'deadTitle' : 'title']} ${endpoint_url ?? ''}`
      }
      open={({ id }) => void navigate({ to: '/deliveries/$id', params: { id } })}
    />
  );
}
