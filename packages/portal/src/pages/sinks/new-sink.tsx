import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import type { Sink, SinkKind, SinkPreset } from '../../api/objects.ts';
import { sinkKindsQuery, sinkPresetsQuery, sinksQuery } from '../../api/queries.ts';
import { Button } from '../../design/button.tsx';
import { SelectField, TextField } from '../../design/forms/field.tsx';
import { Form } from '../../design/forms/form.tsx';
import { isLoaded, NotLoaded } from '../../design/notices.tsx';
import { Page } from '../../design/page.tsx';
import type { Words } from '../../words/en.ts';
import { useWords } from '../../words/words.tsx';
import { ChooseEvents } from '../webhooks/choose-events.tsx';
import { EventFilter, readFilter } from './event-filter.tsx';
import { readSettings, SettingFields, type WithSettings } from './setting-fields.tsx';

/** A destination on one page; then its own page, where it is tested. */
export function NewSink() {
  const { sinks } = useWords();
  const kinds = useQuery(sinkKindsQuery());
  const presets = useQuery(sinkPresetsQuery());
  if (!isLoaded(kinds)) return <NotLoaded query={kinds} />;
  if (!isLoaded(presets)) return <NotLoaded query={presets} />;
  const offers = [
    ...kinds.data.data.map((one) => offerKind(one, sinks)),
    ...presets.data.data.map((one) => offerPreset(one, sinks)),
  ];
  return (
    <Page title={sinks.create} answer={sinks.createLead}>
      <Details offers={offers} />
    </Page>
  );
}

/** A kind, or a preset: what a new sink begins with. */
interface Offer extends WithSettings {
  title: string;
  help: string;
  types: readonly string[];
  /** Of the request. */
  what: { kind: string } | { preset: string };
}

function offerKind({ kind, summary, repeats, ...rest }: SinkKind, words: Words['sinks']): Offer {
  return { ...rest, help: `${summary} ${words.kindHelp(repeats)}`, types: ['*'], what: { kind } };
}

function offerPreset(
  { preset, summary, needs, event_types, ...rest }: SinkPreset,
  words: Words['sinks'],
): Offer {
  const help = `${summary} ${words.presetNeeds(needs)}`;
  return { ...rest, help, types: event_types, what: { preset } };
}

function Details({ offers }: { offers: readonly Offer[] }) {
  const { sinks, invalid } = useWords();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [at, setAt] = useState(0);
  const offer = offers[at];
  const [types, setTypes] = useState<ReadonlySet<string>>(new Set(offer?.types));
  const create = useMutation({
    // What is no filter is refused as by the server, beside its field.
    mutationFn: async ({ form, ...body }: { form: FormData } & Record<string, unknown>) =>
      call<Sink>('/v1/sinks', {
        method: 'POST',
        body: { ...body, filter: readFilter(form, invalid) },
      }),
    onSuccess({ id }) {
      void client.invalidateQueries({ queryKey: sinksQuery().queryKey });
      void navigate({ to: '/sinks/$id', params: { id } });
    },
  });
  if (offer === undefined) return null;

  function choose(next: number): void {
    create.reset();
    setAt(next);
    setTypes(new Set(offers[next]?.types));
  }

  function submit(form: FormData): void {
    if (offer === undefined) return;
    const called = String(form.get('name')).trim();
    create.mutate({
      form,
      ...offer.what,
      ...(called === '' ? {} : { name: called }),
      settings: readSettings(form, offer),
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
          value={String(at)}
          options={offers.map(({ title }, i): [string, string] => [String(i), title])}
          onChange={(event) => choose(Number(event.target.value))}
        />
        <p className="mt-1 text-[13px] text-muted">{offer.help}</p>
      </div>
      <TextField label={sinks.name} name="name" maxLength={100} help={sinks.nameHelp} />
      <SettingFields key={at} of={offer} />
      <ChooseEvents chosen={types} choose={setTypes} />
      <EventFilter />
      <div>
        <Button type="submit" kind="primary" isBusy={create.isPending} disabled={types.size === 0}>
          {sinks.create}
        </Button>
      </div>
    </Form>
  );
}
