import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { InboundRoute } from '../../api/objects.ts';
import { inboundRoutesQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import type { Column } from '../../design/lists/data-list.tsx';
import { QueryList } from '../../design/lists/query-list.tsx';
import { Empty } from '../../design/notices.tsx';
import { Badge } from '../../design/state.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';
import { InboundPage } from './inbound-page.tsx';
import { AddRoute } from './route-dialogs.tsx';

/** For whom mail is taken, and whether it is now. */
export function InboundRoutes() {
  const { words, language } = useLanguage();
  const { routes } = words;
  const navigate = useNavigate();
  const mayManage = useMayManage();
  const [isAdding, setAdding] = useState(false);
  const query = useInfiniteQuery(inboundRoutesQuery());
  const columns: Column<InboundRoute>[] = [
    {
      name: routes.address,
      width: 'minmax(14rem, 3fr)',
      cell: ({ address }) => <span className="font-mono text-[13px]">{address}</span>,
    },
    { name: routes.state, width: '9rem', cell: (route) => <RouteState route={route} /> },
    {
      name: routes.priority,
      width: '7rem',
      isNumber: true,
      isExtra: true,
      cell: ({ priority }) => formatCount(priority, language),
    },
    {
      name: words.messages.tags,
      width: 'minmax(6rem, 1fr)',
      isExtra: true,
      cell: ({ tags }) => <span className="text-muted">{tags.join(', ')}</span>,
    },
    {
      name: routes.description,
      width: 'minmax(8rem, 2fr)',
      isExtra: true,
      cell: ({ description }) => description,
    },
  ];
  return (
    <InboundPage
      answer={routes.lead}
      actions={
        mayManage && (
          <Button kind="primary" onClick={() => setAdding(true)}>
            {routes.add}
          </Button>
        )
      }
    >
      <QueryList
        query={query}
        empty={<Empty title={routes.empty} help={routes.emptyHelp} />}
        label={words.inbound.tabs.routes}
        columns={columns}
        keyOf={({ id }) => id}
        linkOf={({ address }) => address}
        open={({ id }) => void navigate({ to: '/inbound/routes/$id', params: { id } })}
      />
      {isAdding && <AddRoute close={() => setAdding(false)} />}
    </InboundPage>
  );
}

export function RouteState({ route }: { route: InboundRoute }) {
  const { routes } = useWords();
  if (!route.ready) {
    return (
      <Badge tone="warn" icon="wait">
        {routes.states.waits}
      </Badge>
    );
  }
  const isTaking = route.action === 'receive';
  return (
    <Badge tone={isTaking ? 'good' : 'idle'} icon={isTaking ? 'check' : 'cross'}>
      {isTaking ? routes.states.takes : routes.states.refuses}
    </Badge>
  );
}
