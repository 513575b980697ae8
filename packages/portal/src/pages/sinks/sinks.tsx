import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import type { Sink } from '../../api/objects.ts';
import { sinksQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { buttonClass } from '../../design/button.tsx';
import type { Column } from '../../design/lists/data-list.tsx';
import { QueryList } from '../../design/lists/query-list.tsx';
import { Empty } from '../../design/notices.tsx';
import { Page } from '../../design/page.tsx';
import { Badge } from '../../design/state.tsx';
import type { Words } from '../../words/en.ts';
import { formatCount, formatSpan } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';

/** How far the sinks are is looked at anew, ms. */
const LOOK_AGAIN_MS = 10_000;

/** Where events go besides webhooks, and whether they arrive. */
export function SinksPage() {
  const { words, language } = useLanguage();
  const { sinks } = words;
  const navigate = useNavigate();
  const mayManage = useMayManage();
  const query = useInfiniteQuery({ ...sinksQuery(), refetchInterval: LOOK_AGAIN_MS });
  const columns: Column<Sink>[] = [
    {
      name: sinks.name,
      width: 'minmax(10rem, 2fr)',
      cell: ({ name }) => <span className="font-medium">{name}</span>,
    },
    { name: sinks.state, width: '9rem', cell: ({ state }) => <SinkState state={state} /> },
    { name: sinks.kind, width: '9rem', cell: ({ kind }) => kind, isExtra: true },
    {
      name: sinks.lag,
      width: '9rem',
      isExtra: true,
      cell: (sink) => describeLag(sink, words),
    },
    {
      name: sinks.sent,
      width: '7rem',
      isNumber: true,
      isExtra: true,
      cell: ({ progress }) => formatCount(progress.sent, language),
    },
    {
      name: sinks.refused,
      width: '7rem',
      isNumber: true,
      isExtra: true,
      cell: ({ progress }) => formatCount(progress.refused, language),
    },
  ];
  return (
    <Page
      title={sinks.title}
      answer={sinks.lead}
      isWide
      actions={
        mayManage && (
          <Link to="/sinks/new" className={buttonClass('primary')}>
            {sinks.create}
          </Link>
        )
      }
    >
      <QueryList
        query={query}
        empty={<Empty title={sinks.empty} help={sinks.emptyHelp} />}
        label={sinks.title}
        columns={columns}
        keyOf={({ id }) => id}
        linkOf={({ name }) => name}
        open={({ id }) => void navigate({ to: '/sinks/$id', params: { id } })}
      />
    </Page>
  );
}

const LOOKS = {
  ok: { tone: 'good', icon: 'check' },
  failing: { tone: 'bad', icon: 'again' },
  refusing: { tone: 'bad', icon: 'cross' },
  paused: { tone: 'idle', icon: 'pause' },
} as const;

export function SinkState({ state }: Pick<Sink, 'state'>) {
  const { sinks } = useWords();
  return <Badge {...LOOKS[state]}>{sinks.states[state]}</Badge>;
}

export function describeLag({ progress: { lag_seconds } }: Sink, words: Words): string {
  return lag_seconds === 0 ? words.sinks.upToDate : formatSpan(lag_seconds * 1_000, words);
}
