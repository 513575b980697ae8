import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import type { Sink, SinkKind } from '../../api/objects.ts';
import { sinkKindsQuery, sinksQuery } from '../../api/queries.ts';
import { Button } from '../../design/button.tsx';
import { SelectField, TextField } from '../../design/forms/field.tsx';
import { Form } from '../../design/forms/form.tsx';
import { isLoaded, NotLoaded } from '../../design/notices.tsx';
import { Page } from '../../design/page.tsx';
import { useWords } from '../../words/words.tsx';
import { ChooseEvents } from '../webhooks/choose-events.tsx';
import { readSettings, SettingFields } from './setting-fields.tsx';

/** A destination on one page; then its own page, where it is tested. */
export function NewSink() {
  const { sinks } = useWords();
  const query = useQuery(sinkKindsQuery());
  if (!isLoaded(query)) return <NotLoaded query={query} />;
  return (
    <Page title={sinks.create} answer={sinks.createLead}>
      <Details kinds={query.data.data} />
    </Page>
  );
}

function Details({ kinds }: { kinds: readonly SinkKind[] }) {
  const { sinks } = useWords();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState(kinds[0]?.kind);
  const [types, setTypes] = useState<ReadonlySet<string>>(new Set(['*']));
  const kind = kinds.find((one) => one.kind === name);
  const create = useMutation({
    mutationFn: (body: object) => call<Sink>('/v1/sinks', { method: 'POST', body }),
    onSuccess({ id }) {
      void client.invalidateQueries({ queryKey: sinksQuery().queryKey });
      void navigate({ to: '/sinks/$id', params: { id } });
    },
  });
  if (kind === undefined) return null;

  function submit(form: FormData): void {
    if (kind === undefined) return;
    const called = String(form.get('name')).trim();
    create.mutate({
      kind: kind.kind,
      name: called === '' ? null : called,
      settings: readSettings(form, kind),
      event_types: [...types],
    });
  }

  return (
    <Form error={create.error} submit={submit} className="flex max-w-2xl flex-col gap-4">
      <div>
        <p className="mb-1 font-medium" aria-hidden="true">
          {sinks.kind}
        </p>
        <SelectField
          label={sinks.kind}
          value={kind.kind}
          options={kinds.map((one): [string, string] => [one.kind, one.title])}
          onChange={(event) => {
            create.reset();
            setName(event.target.value);
          }}
        />
        <p className="mt-1 text-[13px] text-muted">
          {kind.summary} {sinks.kindHelp(kind.repeats)}
        </p>
      </div>
      <TextField label={sinks.name} name="name" maxLength={100} help={sinks.nameHelp} />
      <SettingFields kind={kind} />
      <ChooseEvents chosen={types} choose={setTypes} />
      <div>
        <Button type="submit" kind="primary" isBusy={create.isPending} disabled={types.size === 0}>
          {sinks.create}
        </Button>
      </div>
    </Form>
  );
}
