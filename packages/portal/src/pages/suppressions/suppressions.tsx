import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import { SUPPRESSION_REASONS, type Suppression } from '../../api/objects.ts';
import { suppressionsQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { FilterField, SelectField } from '../../design/forms/field.tsx';
import type { Column } from '../../design/lists/data-list.tsx';
import { QueryList } from '../../design/lists/query-list.tsx';
import { Empty } from '../../design/notices.tsx';
import { Page } from '../../design/page.tsx';
import { Question } from '../../design/question.tsx';
import { Time } from '../../design/time.tsx';
import { useWords } from '../../words/words.tsx';
import { AddSuppression, ExportSuppressions, ImportSuppressions } from './suppression-dialogs.tsx';

const route = getRouteApi('/suppressions');

type Open = 'add' | 'import' | 'export' | Suppression | null;

/** Who gets no mail, and why; by hand, by file, and off again. */
export function Suppressions() {
  const { suppressions, common } = useWords();
  const navigate = route.useNavigate();
  const mayManage = useMayManage();
  const filters = route.useSearch();
  const [open, setOpen] = useState<Open>(null);
  const query = useInfiniteQuery(suppressionsQuery(filters));
  const isFiltered = Object.keys(filters).length > 0;
  const close = () => setOpen(null);

  function change(name: 'address' | 'reason', value: string): void {
    const { [name]: _, ...rest } = filters;
    void navigate({ search: value === '' ? rest : { ...rest, [name]: value }, replace: true });
  }

  const columns: Column<Suppression>[] = [
    {
      name: suppressions.address,
      width: 'minmax(14rem, 3fr)',
      cell: ({ address }) => (
        <span className="font-mono text-[13px]">{address ?? suppressions.erased}</span>
      ),
    },
    {
      name: suppressions.reason,
      width: '9rem',
      cell: ({ reason }) => suppressions.reasons[reason],
    },
    {
      name: suppressions.since,
      width: '8rem',
      cell: ({ created_at }) => <Time at={created_at} />,
      isExtra: true,
    },
    {
      name: suppressions.source,
      width: 'minmax(6rem, 1fr)',
      cell: ({ source }) => source,
      isExtra: true,
    },
    {
      name: suppressions.stream,
      width: '8rem',
      cell: ({ stream }) => stream ?? suppressions.allStreams,
      isExtra: true,
    },
  ];

  return (
    <Page
      title={suppressions.title}
      answer={suppressions.lead}
      isWide
      actions={
        mayManage && (
          <>
            <Button onClick={() => setOpen('export')}>{suppressions.export}</Button>
            <Button onClick={() => setOpen('import')}>{suppressions.import}</Button>
            <Button kind="primary" onClick={() => setOpen('add')}>
              {suppressions.add}
            </Button>
          </>
        )
      }
    >
      <div className="mb-3 flex flex-wrap gap-2">
        <FilterField
          label={suppressions.address}
          placeholder={suppressions.address}
          defaultValue={filters.address ?? ''}
          onChange={(event) => change('address', event.target.value.trim())}
          className="max-w-sm"
        />
        <SelectField
          label={suppressions.reason}
          value={filters.reason ?? ''}
          options={[
            ['', common.all],
            ...SUPPRESSION_REASONS.map((one): [string, string] => [one, suppressions.reasons[one]]),
          ]}
          onChange={(event) => change('reason', event.target.value)}
          className="!w-auto"
        />
      </div>
      <QueryList
        query={query}
        empty={<Empty title={suppressions.empty} help={isFiltered ? '' : suppressions.emptyHelp} />}
        label={suppressions.title}
        columns={columns}
        keyOf={({ id }) => id}
        linkOf={({ address }) => address ?? suppressions.erased}
        open={setOpen}
      />
      {open === 'add' && <AddSuppression close={close} />}
      {open === 'import' && <ImportSuppressions close={close} />}
      {open === 'export' && <ExportSuppressions close={close} />}
      {open !== null && typeof open === 'object' && (
        <RemoveSuppression entry={open} close={close} />
      )}
    </Page>
  );
}

function RemoveSuppression({ entry, close }: { entry: Suppression; close: () => void }) {
  const { suppressions } = useWords();
  const mayManage = useMayManage();
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () =>
      call(`/v1/suppressions/${encodeURIComponent(entry.id)}`, { method: 'DELETE' }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: ['/v1/suppressions'] });
      close();
    },
  });
  const address = entry.address ?? suppressions.erased;
  return (
    <Question
      title={address}
      effect={
        <>
          {entry.note !== null && <p className="mb-2 text-muted">{entry.note}</p>}
          {mayManage && <p>{suppressions.removeEffect(address)}</p>}
        </>
      }
      action={mayManage ? suppressions.remove : null}
      kind="danger"
      isBusy={remove.isPending}
      error={remove.error}
      confirm={() => remove.mutate()}
      close={close}
    />
  );
}
