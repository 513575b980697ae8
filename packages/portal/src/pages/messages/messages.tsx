import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { type ListedMessage, RECIPIENT_STATES } from '../../api/objects.ts';
import { messagesQuery } from '../../api/queries.ts';
import { useMaySend } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { FilterField, SelectField } from '../../design/forms/field.tsx';
import { PeriodFields } from '../../design/forms/period-fields.tsx';
import { useSettled } from '../../design/forms/use-settled.ts';
import type { Column } from '../../design/lists/data-list.tsx';
import { QueryList } from '../../design/lists/query-list.tsx';
import { Empty } from '../../design/notices.tsx';
import { Page } from '../../design/page.tsx';
import { MailState } from '../../design/state.tsx';
import { Time } from '../../design/time.tsx';
import { useWords } from '../../words/words.tsx';
import { type MessageFilters, readTyped, toQuery, typedOf } from './message-filters.ts';
import { sendCommand } from './send-command.ts';

const route = getRouteApi('/messages');

/** "Where is this customer's email?" begins here. */
export function Messages() {
  const { messages } = useWords();
  const navigate = route.useNavigate();
  const maySend = useMaySend();
  const filters = route.useSearch();
  const key = JSON.stringify(filters);
  const asked = useMemo(() => toQuery(JSON.parse(key), Date.now()), [key]);
  const query = useInfiniteQuery(messagesQuery(asked));
  const isFiltered = Object.keys(filters).length > 0;

  const columns: Column<ListedMessage>[] = [
    {
      name: messages.subject,
      width: 'minmax(12rem, 3fr)',
      cell: ({ subject }) => <span className="font-medium">{subject ?? messages.noSubject}</span>,
    },
    { name: messages.accepted, width: '7rem', cell: ({ created_at }) => <Time at={created_at} /> },
    {
      name: messages.recipient,
      width: 'minmax(14rem, 3fr)',
      cell: ({ recipients }) => <Recipients recipients={recipients} />,
      isExtra: true,
    },
    {
      name: messages.from,
      width: 'minmax(8rem, 2fr)',
      cell: ({ from }) => <span className="font-mono text-[13px]">{from}</span>,
      isExtra: true,
    },
    {
      name: messages.tags,
      width: 'minmax(5rem, 1fr)',
      cell: ({ tags }) => <span className="text-muted">{tags.join(', ')}</span>,
      isExtra: true,
    },
  ];

  return (
    <Page title={messages.title} isWide>
      <Filters filters={filters} />
      <QueryList
        query={query}
        empty={
          isFiltered ? (
            <Empty title={messages.noMatch} help={messages.noMatchHelp} />
          ) : (
            <Empty
              title={messages.empty}
              help={messages.emptyHelp}
              {...(maySend ? { command: sendCommand() } : {})}
            />
          )
        }
        label={messages.title}
        columns={columns}
        keyOf={({ id }) => id}
        linkOf={({ subject }) => subject ?? messages.noSubject}
        open={({ id }) => void navigate({ to: '/messages/$id', params: { id } })}
      />
    </Page>
  );
}

function Recipients({ recipients }: Pick<ListedMessage, 'recipients'>) {
  const [first] = recipients;
  if (first === undefined) return null;
  return (
    <span className="flex items-center gap-2">
      <MailState state={first.state} />
      <span className="min-w-0 truncate font-mono text-[13px]">
        {first.address}
        {recipients.length > 1 && ' …'}
      </span>
    </span>
  );
}

function Filters({ filters }: { filters: MessageFilters }) {
  const { messages, mailStates, common } = useWords();
  const navigate = route.useNavigate();
  const [typed, setTyped] = useState(typedOf(filters));
  const [tag, setTag] = useState(filters.tag ?? '');
  const settled = useSettled(typed.trim());
  const settledTag = useSettled(tag.trim());

  useEffect(() => {
    if (/^msg_[0-9A-Z]{26}$/.test(settled)) {
      void navigate({ to: '/messages/$id', params: { id: settled } });
      return;
    }
    void navigate({
      replace: true,
      search: ({ recipient: _r, subject: _s, smtp_id: _i, tag: _t, ...rest }) => ({
        ...rest,
        ...readTyped(settled),
        ...(settledTag === '' ? {} : { tag: settledTag }),
      }),
    });
  }, [settled, settledTag, navigate]);

  function change(name: 'state' | 'period' | 'since' | 'until', value: string): void {
    void navigate({
      replace: true,
      search: ({ [name]: _, ...rest }) => (value === '' ? rest : { ...rest, [name]: value }),
    });
  }

  return (
    <search className="mb-3 flex flex-wrap items-center gap-2">
      <FilterField
        label={messages.search}
        placeholder={messages.searchHint}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        className="sm:max-w-sm"
      />
      <SelectField
        label={messages.state}
        value={filters.state ?? ''}
        options={[
          ['', messages.anyState],
          ...RECIPIENT_STATES.map((one): [string, string] => [one, mailStates[one]]),
        ]}
        onChange={(event) => change('state', event.target.value)}
        className="!w-auto"
      />
      <FilterField
        label={messages.tag}
        placeholder={messages.tag}
        value={tag}
        onChange={(event) => setTag(event.target.value)}
        className="!w-36"
      />
      <PeriodFields filters={filters} periods={['hour', 'day', 'week', 'month']} change={change} />
      {Object.keys(filters).length > 0 && (
        <Button
          kind="quiet"
          onClick={() => {
            setTyped('');
            setTag('');
            void navigate({ search: {} });
          }}
        >
          {common.clear}
        </Button>
      )}
    </search>
  );
}
