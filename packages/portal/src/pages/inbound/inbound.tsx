import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import type { ReceivedMail } from '../../api/objects.ts';
import { inboundRoutesQuery, receivedQuery } from '../../api/queries.ts';
import { Button, buttonClass } from '../../design/button.tsx';
import { FilterField, SelectField } from '../../design/forms/field.tsx';
import { useSettled } from '../../design/forms/use-settled.ts';
import type { Column } from '../../design/lists/data-list.tsx';
import { QueryList } from '../../design/lists/query-list.tsx';
import { Empty } from '../../design/notices.tsx';
import { Badge } from '../../design/state.tsx';
import { Time } from '../../design/time.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';
import { InboundPage } from './inbound-page.tsx';

const route = getRouteApi('/inbound');

/** More comes in by itself, ms. */
const LOOK_AGAIN_MS = 10_000;

/** What people have written to us. */
export function Inbound() {
  const { words, language } = useLanguage();
  const { inbound, messages } = words;
  const navigate = route.useNavigate();
  const filters = route.useSearch();
  const query = useInfiniteQuery({ ...receivedQuery(filters), refetchInterval: LOOK_AGAIN_MS });
  const isFiltered = Object.keys(filters).length > 0;

  const columns: Column<ReceivedMail>[] = [
    {
      name: messages.subject,
      width: 'minmax(12rem, 3fr)',
      cell: ({ subject }) => <span className="font-medium">{subject ?? messages.noSubject}</span>,
    },
    {
      name: inbound.received,
      width: '7rem',
      cell: ({ received_at }) => <Time at={received_at} />,
    },
    {
      name: messages.from,
      width: 'minmax(12rem, 2fr)',
      cell: ({ from }) => from?.name ?? from?.address ?? words.common.none,
      isExtra: true,
    },
    {
      name: messages.recipient,
      width: 'minmax(12rem, 2fr)',
      cell: ({ recipient }) => <span className="font-mono text-[13px]">{recipient}</span>,
      isExtra: true,
    },
    {
      name: inbound.files,
      width: '5rem',
      isNumber: true,
      isExtra: true,
      cell: ({ attachments }) => (attachments === 0 ? '' : formatCount(attachments, language)),
    },
    {
      name: inbound.note,
      width: '10rem',
      isExtra: true,
      cell: (mail) => <MailNote mail={mail} />,
    },
  ];

  return (
    <InboundPage answer={inbound.lead}>
      <Filters />
      <QueryList
        query={query}
        empty={
          isFiltered ? (
            <Empty title={inbound.noMatch} help={inbound.noMatchHelp} />
          ) : (
            <Empty title={inbound.empty} help={inbound.emptyHelp}>
              <Link to="/inbound/routes" className={buttonClass()}>
                {inbound.toRoutes}
              </Link>
            </Empty>
          )
        }
        label={inbound.title}
        columns={columns}
        keyOf={({ id }) => id}
        linkOf={({ subject }) => subject ?? messages.noSubject}
        open={({ id }) => void navigate({ to: '/inbound/$id', params: { id } })}
      />
    </InboundPage>
  );
}

/** What to know before one answers it. */
export function MailNote({ mail }: { mail: Pick<ReceivedMail, 'spam' | 'automatic'> }) {
  const { inbound } = useWords();
  if (mail.spam?.suspected === true) {
    return (
      <Badge tone="warn" icon="flag">
        {inbound.spam}
      </Badge>
    );
  }
  if (mail.automatic == null) return null;
  return (
    <Badge tone="idle" icon="again">
      {inbound.automatic}
    </Badge>
  );
}

function Filters() {
  const { inbound, messages, common } = useWords();
  const navigate = route.useNavigate();
  const filters = route.useSearch();
  const [typed, setTyped] = useState(filters.recipient ?? '');
  const settled = useSettled(typed.trim());
  const routes =
    useInfiniteQuery(inboundRoutesQuery()).data?.pages.flatMap(({ data }) => data) ?? [];

  useEffect(() => {
    void navigate({
      replace: true,
      search: ({ recipient: _, ...rest }) =>
        settled === '' ? rest : { ...rest, recipient: settled },
    });
  }, [settled, navigate]);

  return (
    <search className="mb-3 flex flex-wrap items-center gap-2">
      <FilterField
        label={messages.recipient}
        placeholder={messages.recipient}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        className="sm:max-w-sm"
      />
      <SelectField
        label={inbound.route}
        value={filters.route_id ?? ''}
        options={[
          ['', inbound.anyRoute],
          ...routes.map(({ id, address }): [string, string] => [id, address]),
        ]}
        onChange={({ target: { value } }) =>
          void navigate({
            replace: true,
            search: ({ route_id: _, ...rest }) =>
              value === '' ? rest : { ...rest, route_id: value },
          })
        }
        className="max-w-full !w-auto"
      />
      {Object.keys(filters).length > 0 && (
        <Button
          kind="quiet"
          onClick={() => {
            setTyped('');
            void navigate({ search: {} });
          }}
        >
          {common.clear}
        </Button>
      )}
    </search>
  );
}
