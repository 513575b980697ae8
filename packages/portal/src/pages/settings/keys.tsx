import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import { type ApiKey, SCOPES } from '../../api/objects.ts';
import { keysQuery } from '../../api/queries.ts';
import { useSession } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { CodeBlock } from '../../design/copy.tsx';
import { TextField } from '../../design/forms/field.tsx';
import { FormDialog } from '../../design/forms/form-dialog.tsx';
import type { Column } from '../../design/lists/data-list.tsx';
import { QueryList } from '../../design/lists/query-list.tsx';
import { Modal } from '../../design/modal.tsx';
import { Empty } from '../../design/notices.tsx';
import { Question } from '../../design/question.tsx';
import { Time } from '../../design/time.tsx';
import { useWords } from '../../words/words.tsx';
import { SettingsPage } from './settings-page.tsx';

const DAY_MS = 86_400_000;
const LIFETIMES_DAYS = [30, 90, 365];

/** The keys of programs: made, shown once, revoked. */
export function Keys() {
  const { settings, time } = useWords();
  const { keys } = settings;
  const [open, setOpen] = useState<'create' | ApiKey | null>(null);
  const query = useInfiniteQuery(keysQuery());
  const close = () => setOpen(null);
  const when = (at: string | null) => (at === null ? time.never : <Time at={at} />);
  const columns: Column<ApiKey>[] = [
    {
      name: keys.name,
      width: 'minmax(8rem, 2fr)',
      cell: ({ name }) => <span className="font-medium">{name}</span>,
    },
    {
      name: keys.key,
      width: '7rem',
      cell: ({ hint }) => <code className="font-mono text-[13px]">…{hint}</code>,
    },
    {
      name: keys.scopes,
      width: 'minmax(10rem, 2fr)',
      cell: ({ scopes }) => scopes.join(', '),
      isExtra: true,
    },
    {
      name: keys.lastUsed,
      width: '8rem',
      cell: ({ last_used_at }) => when(last_used_at),
      isExtra: true,
    },
    {
      name: keys.expires,
      width: '8rem',
      cell: ({ expires_at }) => when(expires_at),
      isExtra: true,
    },
  ];
  return (
    <SettingsPage
      tab="keys"
      answer={keys.lead}
      actions={
        <Button kind="primary" onClick={() => setOpen('create')}>
          {keys.create}
        </Button>
      }
    >
      <QueryList
        query={query}
        empty={<Empty title={keys.empty} help={keys.lead} />}
        label={settings.tabs.keys}
        columns={columns}
        keyOf={({ id }) => id}
        linkOf={({ name }) => name}
        open={setOpen}
      />
      {open === 'create' && <CreateKey close={close} />}
      {open !== null && open !== 'create' && <RevokeKey entry={open} close={close} />}
    </SettingsPage>
  );
}

function CreateKey({ close }: { close: () => void }) {
  const { keys } = useWords().settings;
  const words = useWords();
  const { user } = useSession();
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: (body: object) => call<ApiKey>('/v1/keys', { method: 'POST', body }),
    onSuccess: () => void client.invalidateQueries({ queryKey: keysQuery().queryKey }),
  });
  if (create.data !== undefined) {
    return (
      <Modal title={keys.created} close={close}>
        <p className="mb-3 text-muted">{keys.createdLead}</p>
        <CodeBlock text={create.data.key ?? ''} label={keys.key} />
      </Modal>
    );
  }
  const mine = SCOPES.filter((scope) => scope !== 'admin' || user.role === 'owner');

  function submit(form: FormData): void {
    const days = Number(form.get('days'));
    create.mutate({
      name: String(form.get('name')).trim(),
      scopes: mine.filter((scope) => form.get(scope) !== null),
      expires_at: days === 0 ? null : new Date(Date.now() + days * DAY_MS).toISOString(),
    });
  }

  return (
    <FormDialog
      title={keys.create}
      close={close}
      isBusy={create.isPending}
      error={create.error}
      submit={submit}
    >
      <TextField label={keys.name} name="name" required maxLength={100} help={keys.nameHelp} />
      <fieldset>
        <legend className="mb-1 font-medium">{keys.scopes}</legend>
        {mine.map((scope) => (
          <label key={scope} className="flex items-baseline gap-2 py-1">
            <input type="checkbox" name={scope} defaultChecked={scope === 'send'} />
            <span>
              <code className="font-mono text-[13px]">{scope}</code>{' '}
              <span className="text-muted">{keys.scopeHelp[scope]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <label className="block">
        <span className="mb-1 block font-medium">{keys.expires}</span>
        <select name="days" className="h-8 rounded-md border border-line-strong bg-surface px-2">
          <option value="0">{words.time.never}</option>
          {LIFETIMES_DAYS.map((days) => (
            <option key={days} value={days}>
              {words.time.in(words.time.days(days))}
            </option>
          ))}
        </select>
      </label>
    </FormDialog>
  );
}

function RevokeKey({ entry, close }: { entry: ApiKey; close: () => void }) {
  const { keys } = useWords().settings;
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => call(`/v1/keys/${encodeURIComponent(entry.id)}`, { method: 'DELETE' }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: keysQuery().queryKey });
      close();
    },
  });
  return (
    <Question
      title={entry.name}
      effect={keys.revokeEffect}
      action={keys.revoke}
      kind="danger"
      isBusy={revoke.isPending}
      error={revoke.error}
      confirm={() => revoke.mutate()}
      close={close}
    />
  );
}
