import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import type { Domain } from '../../api/objects.ts';
import { domainsQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { TextField } from '../../design/forms/field.tsx';
import { FormDialog } from '../../design/forms/form-dialog.tsx';
import type { Column } from '../../design/lists/data-list.tsx';
import { QueryList } from '../../design/lists/query-list.tsx';
import { Empty } from '../../design/notices.tsx';
import { Page } from '../../design/page.tsx';
import { Badge } from '../../design/state.tsx';
import { Time } from '../../design/time.tsx';
import { useWords } from '../../words/words.tsx';

/** Which domains may send, and which are not set up right. */
export function Domains() {
  const { domains, time } = useWords();
  const navigate = useNavigate();
  const mayManage = useMayManage();
  const [isAdding, setAdding] = useState(false);
  const query = useInfiniteQuery(domainsQuery());
  const columns: Column<Domain>[] = [
    {
      name: domains.name,
      width: 'minmax(10rem, 2fr)',
      cell: ({ unicode_name }) => <span className="font-medium">{unicode_name}</span>,
    },
    { name: domains.status, width: '10rem', cell: (domain) => <DomainStatus domain={domain} /> },
    {
      name: domains.checked,
      width: '8rem',
      cell: ({ checked_at }) => (checked_at === null ? time.never : <Time at={checked_at} />),
      isExtra: true,
    },
  ];
  return (
    <Page
      title={domains.title}
      answer={domains.lead}
      isWide
      actions={
        mayManage && (
          <Button kind="primary" onClick={() => setAdding(true)}>
            {domains.add}
          </Button>
        )
      }
    >
      <QueryList
        query={query}
        empty={<Empty title={domains.empty} help={domains.emptyHelp} />}
        label={domains.title}
        columns={columns}
        keyOf={({ id }) => id}
        linkOf={({ unicode_name }) => unicode_name}
        open={({ id }) => void navigate({ to: '/domains/$id', params: { id } })}
      />
      {isAdding && <AddDomain close={() => setAdding(false)} />}
    </Page>
  );
}

function AddDomain({ close }: { close: () => void }) {
  const { domains } = useWords();
  const client = useQueryClient();
  const navigate = useNavigate();
  const add = useMutation({
    mutationFn: (body: object) => call<Domain>('/v1/domains', { method: 'POST', body }),
    onSuccess({ id }) {
      void client.invalidateQueries({ queryKey: domainsQuery().queryKey });
      void navigate({ to: '/domains/$id', params: { id } });
    },
  });
  return (
    <FormDialog
      title={domains.add}
      close={close}
      isBusy={add.isPending}
      error={add.error}
      submit={(form) => add.mutate({ name: String(form.get('name')).trim() })}
    >
      <TextField
        label={domains.name}
        name="name"
        required
        placeholder="shop.example"
        help={domains.addHelp}
      />
    </FormDialog>
  );
}

export function DomainStatus({ domain: { status } }: { domain: Domain }) {
  const { statuses } = useWords().domains;
  const tone = { pending: 'idle', verified: 'good', failing: 'bad' } as const;
  const icon = { pending: 'wait', verified: 'check', failing: 'cross' } as const;
  return (
    <Badge tone={tone[status]} icon={icon[status]}>
      {statuses[status]}
    </Badge>
  );
}
