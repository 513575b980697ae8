import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import type { Endpoint } from '../../api/objects.ts';
import { endpointsQuery, queueQuery } from '../../api/queries.ts';
import { useIsCustomer, useMayCreate } from '../../api/session.ts';
import { buttonClass } from '../../design/button.tsx';
import type { Column } from '../../design/lists/data-list.tsx';
import { QueryList } from '../../design/lists/query-list.tsx';
import { Empty } from '../../design/notices.tsx';
import { Page } from '../../design/page.tsx';
import { Badge } from '../../design/state.tsx';
import type { Words } from '../../words/en.ts';
import { formatCount } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';

/** Every endpoint, and which of them is in trouble. */
export function Endpoints() {
  const { words, language } = useLanguage();
  const { endpoints } = words;
  const navigate = useNavigate();
  const mayCreate = useMayCreate();
  const isCustomer = useIsCustomer();
  const query = useInfiniteQuery(endpointsQuery());
  const waiting = new Map(
    useQuery(queueQuery()).data?.data.map(({ endpoint_id, depth }) => [endpoint_id, depth]),
  );
  const columns: Column<Endpoint>[] = [
    {
      name: endpoints.url,
      width: 'minmax(16rem, 3fr)',
      cell: ({ url }) => <span className="font-mono text-[13px]">{url}</span>,
    },
    {
      name: endpoints.status,
      width: '9rem',
      cell: (endpoint) => <EndpointStatus endpoint={endpoint} />,
    },
    {
      name: endpoints.events,
      width: 'minmax(10rem, 2fr)',
      cell: ({ event_types }) => (
        <span className="text-muted">{describeTypes(event_types, words)}</span>
      ),
      isExtra: true,
    },
    {
      name: endpoints.waiting,
      width: '6rem',
      isNumber: true,
      isExtra: true,
      cell: ({ id }) => formatCount(waiting.get(id) ?? 0, language),
    },
  ];
  return (
    <Page
      title={endpoints.title}
      isWide
      actions={
        mayCreate && (
          <Link to="/webhooks/new" className={buttonClass('primary')}>
            {endpoints.create}
          </Link>
        )
      }
    >
      <QueryList
        query={query}
        empty={
          <Empty
            title={endpoints.empty}
            help={endpoints.emptyHelp}
            {...(mayCreate && !isCustomer ? { command: createCommand() } : {})}
          />
        }
        label={endpoints.title}
        columns={columns}
        keyOf={({ id }) => id}
        linkOf={({ url }) => url}
        open={({ id }) => void navigate({ to: '/webhooks/$id', params: { id } })}
      />
    </Page>
  );
}

export function describeTypes(types: readonly string[], { endpoints }: Words): string {
  return types.includes('*') ? endpoints.everything : types.join(', ');
}

export function EndpointStatus({ endpoint }: { endpoint: Endpoint }) {
  const { endpoints } = useWords();
  if (endpoint.status === 'disabled') {
    return (
      <Badge tone="idle" icon="pause">
        {endpoints.disabled}
      </Badge>
    );
  }
  const isFailing = endpoint.health.failing_since !== null;
  return (
    <Badge tone={isFailing ? 'bad' : 'good'} icon={isFailing ? 'cross' : 'check'}>
      {isFailing ? endpoints.failing : endpoints.enabled}
    </Badge>
  );
}

function createCommand(): string {
  return `curl ${window.location.origin}/v1/endpoints \\
  -H "Authorization: Bearer $POSTHORN_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"url":"https://example.com/webhooks","event_types":["email.*"]}'`;
}
