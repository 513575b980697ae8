import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import type { Source } from '../../api/objects.ts';
import { sourcesQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { buttonClass } from '../../design/button.tsx';
import type { Column } from '../../design/lists/data-list.tsx';
import { QueryList } from '../../design/lists/query-list.tsx';
import { Empty } from '../../design/notices.tsx';
import { Page } from '../../design/page.tsx';
import { Badge } from '../../design/state.tsx';
import { Time } from '../../design/time.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';

/** Whose webhooks come in, and whether they do. */
export function Sources() {
  const { words, language } = useLanguage();
  const { sources } = words;
  const navigate = useNavigate();
  const mayManage = useMayManage();
  const query = useInfiniteQuery(sourcesQuery());
  const columns: Column<Source>[] = [
    {
      name: sources.name,
      width: 'minmax(10rem, 2fr)',
      cell: ({ name }) => <span className="font-medium">{name}</span>,
    },
    { name: sources.status, width: '9rem', cell: (source) => <SourceStatus source={source} /> },
    { name: sources.provider, width: '9rem', cell: ({ provider }) => provider, isExtra: true },
    {
      name: sources.events,
      width: '7rem',
      isNumber: true,
      isExtra: true,
      cell: ({ activity }) => formatCount(activity.events, language),
    },
    {
      name: sources.refused,
      width: '7rem',
      isNumber: true,
      isExtra: true,
      cell: ({ activity }) => formatCount(activity.refused, language),
    },
    {
      name: sources.last,
      width: '8rem',
      isExtra: true,
      cell: ({ activity: { last_event_at } }) =>
        last_event_at === null ? words.time.never : <Time at={last_event_at} />,
    },
  ];
  return (
    <Page
      title={sources.title}
      answer={sources.lead}
      isWide
      actions={
        mayManage && (
          <Link to="/sources/new" className={buttonClass('primary')}>
            {sources.create}
          </Link>
        )
      }
    >
      <QueryList
        query={query}
        empty={<Empty title={sources.empty} help={sources.emptyHelp} />}
        label={sources.title}
        columns={columns}
        keyOf={({ id }) => id}
        linkOf={({ name }) => name}
        open={({ id }) => void navigate({ to: '/sources/$id', params: { id } })}
      />
    </Page>
  );
}

export function SourceStatus({ source: { activity } }: { source: Source }) {
  const { sources } = useWords();
  if (activity.stalled_since !== null) {
    return (
      <Badge tone="bad" icon="pause">
        {sources.stalled}
      </Badge>
    );
  }
  const isHeard = activity.last_event_at !== null;
  return (
    <Badge tone={isHeard ? 'good' : 'idle'} icon={isHeard ? 'check' : 'wait'}>
      {isHeard ? sources.hears : sources.waits}
    </Badge>
  );
}
