import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useDeferredValue, useEffect, useState } from 'react';
import type { Message } from '../../api/objects.ts';
import { messagesQuery } from '../../api/queries.ts';
import type { Column } from '../../design/data-list.tsx';
import { FilterField } from '../../design/field.tsx';
import { Empty } from '../../design/notices.tsx';
import { Page } from '../../design/page.tsx';
import { QueryList } from '../../design/query-list.tsx';
import { Time } from '../../design/time.tsx';
import { useWords } from '../../words/words.tsx';

const route = getRouteApi('/messages');

/** "Where is this customer's email?" begins here. */
export function Messages() {
  const words = useWords();
  const { messages } = words;
  const navigate = route.useNavigate();
  const { recipient = '' } = route.useSearch();
  const [typed, setTyped] = useState(recipient);
  const settled = useDeferredValue(typed.trim());
  useEffect(() => {
    if (/^msg_[0-9A-Z]{26}$/.test(settled)) {
      void navigate({ to: '/messages/$id', params: { id: settled } });
    } else if (settled === '' || settled.includes('@')) {
      void navigate({ search: settled === '' ? {} : { recipient: settled }, replace: true });
    }
  }, [settled, navigate]);
  const query = useInfiniteQuery(messagesQuery({ recipient }));

  const columns: Column<Message>[] = [
    {
      name: messages.subject,
      width: 'minmax(12rem, 3fr)',
      cell: ({ subject }) => <span className="font-medium">{subject ?? messages.noSubject}</span>,
    },
    { name: messages.accepted, width: '8rem', cell: ({ created_at }) => <Time at={created_at} /> },
    {
      name: messages.from,
      width: 'minmax(10rem, 2fr)',
      cell: ({ from }) => <span className="font-mono text-[13px]">{from}</span>,
      isExtra: true,
    },
    {
      name: messages.tags,
      width: 'minmax(6rem, 1fr)',
      cell: ({ tags }) => <span className="text-muted">{tags.join(', ')}</span>,
      isExtra: true,
    },
  ];

  return (
    <Page title={messages.title} isWide>
      <div className="mb-3 flex flex-wrap gap-2">
        <FilterField
          label={messages.recipient}
          placeholder={messages.searchHint}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          className="max-w-sm"
        />
      </div>
      <QueryList
        query={query}
        empty={
          recipient === '' ? (
            <Empty title={messages.empty} help={messages.emptyHelp} command={sendCommand()} />
          ) : (
            <Empty title={messages.noMatch} help={messages.noMatchHelp} />
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

/** The command that fills this page, with the address of this server. */
function sendCommand(): string {
  return `curl ${window.location.origin}/v1/messages \\
  -H "Authorization: Bearer $POSTHORN_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"from":"shop@example.com","to":"you@example.net","subject":"Hello","text":"It works."}'`;
}
