import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import type { Endpoint, EventType } from '../../api/objects.ts';
import { endpointsQuery, eventTypesQuery } from '../../api/queries.ts';
import { Button, buttonClass } from '../../design/button.tsx';
import { CodeBlock } from '../../design/copy.tsx';
import { SelectField, TextField } from '../../design/forms/field.tsx';
import { Form } from '../../design/forms/form.tsx';
import { Page, Section } from '../../design/page.tsx';
import { useWords } from '../../words/words.tsx';
import { SendTest } from './send-test.tsx';
import { VERIFY_SNIPPETS } from './verify-snippets.ts';

/** From a URL to a verified webhook on one page. */
export function NewEndpoint() {
  const [endpoint, setEndpoint] = useState<Endpoint | null>(null);
  return endpoint === null ? <Details created={setEndpoint} /> : <Created endpoint={endpoint} />;
}

function Details({ created }: { created: (endpoint: Endpoint) => void }) {
  const { newEndpoint } = useWords();
  const client = useQueryClient();
  const types = useQuery(eventTypesQuery()).data?.data ?? [];
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(['*']));
  const create = useMutation({
    mutationFn: (body: object) => call<Endpoint>('/v1/endpoints', { method: 'POST', body }),
    onSuccess(endpoint) {
      void client.invalidateQueries({ queryKey: endpointsQuery().queryKey });
      created(endpoint);
    },
  });

  function submit(form: FormData): void {
    create.mutate({
      url: String(form.get('url')).trim(),
      description: String(form.get('description')),
      event_types: [...chosen],
    });
  }

  function toggle(type: string, isOn: boolean): void {
    const next = new Set(chosen);
    if (isOn) next.add(type);
    else next.delete(type);
    if (type !== '*' && isOn) next.delete('*');
    setChosen(type === '*' && isOn ? new Set(['*']) : next);
  }

  return (
    <Page title={newEndpoint.title} answer={newEndpoint.lead}>
      <Form error={create.error} submit={submit} className="flex max-w-2xl flex-col gap-4">
        <TextField
          label={newEndpoint.url}
          name="url"
          type="url"
          required
          autoFocus
          placeholder="https://example.com/webhooks"
          help={newEndpoint.urlHelp}
        />
        <TextField label={newEndpoint.description} name="description" maxLength={200} />
        <fieldset>
          <legend className="mb-2 font-medium">{newEndpoint.events}</legend>
          <Choice
            name={newEndpoint.everything}
            isOn={chosen.has('*')}
            toggle={(isOn) => toggle('*', isOn)}
          />
          <EventTree types={types} chosen={chosen} toggle={toggle} />
        </fieldset>
        <div>
          <Button
            type="submit"
            kind="primary"
            isBusy={create.isPending}
            disabled={chosen.size === 0}
          >
            {newEndpoint.create}
          </Button>
        </div>
      </Form>
    </Page>
  );
}

function EventTree({
  types,
  chosen,
  toggle,
}: {
  types: readonly EventType[];
  chosen: ReadonlySet<string>;
  toggle: (type: string, isOn: boolean) => void;
}) {
  const categories = [...new Set(types.map(({ category }) => category))];
  return categories.map((category) => (
    <details key={category} className="mt-2 rounded-md border border-line">
      <summary className="px-3 py-2 capitalize">{category}</summary>
      <div className="flex flex-col gap-1 px-3 pb-3">
        {types
          .filter((one) => one.category === category)
          .map(({ type, description }) => (
            <Choice
              key={type}
              name={type}
              help={description}
              isOn={chosen.has(type)}
              toggle={(isOn) => toggle(type, isOn)}
            />
          ))}
      </div>
    </details>
  ));
}

function Choice({
  name,
  help,
  isOn,
  toggle,
}: {
  name: string;
  help?: string;
  isOn: boolean;
  toggle: (isOn: boolean) => void;
}) {
  return (
    <label className="flex items-start gap-2 py-0.5">
      <input
        type="checkbox"
        checked={isOn}
        onChange={(event) => toggle(event.target.checked)}
        className="mt-1 accent-accent"
      />
      <span>
        {name}
        {help !== undefined && <span className="block text-[13px] text-muted">{help}</span>}
      </span>
    </label>
  );
}

function Created({ endpoint }: { endpoint: Endpoint }) {
  const { newEndpoint } = useWords();
  const [language, setLanguage] = useState(VERIFY_SNIPPETS[0]?.[0] ?? '');
  const code = VERIFY_SNIPPETS.find(([name]) => name === language)?.[1] ?? '';
  return (
    <Page title={newEndpoint.createdTitle} answer={<code>{endpoint.url}</code>}>
      <div className="max-w-3xl">
        {endpoint.secret !== undefined && (
          <Section title={newEndpoint.secret}>
            <p className="mb-2 text-muted">{newEndpoint.secretLead}</p>
            <CodeBlock text={endpoint.secret} label={newEndpoint.secret} />
          </Section>
        )}
        <Section
          title={newEndpoint.verify}
          aside={
            <SelectField
              label={newEndpoint.language}
              value={language}
              options={VERIFY_SNIPPETS.map(([name]): [string, string] => [name, name])}
              onChange={(event) => setLanguage(event.target.value)}
              className="!w-auto"
            />
          }
        >
          <CodeBlock text={code} label={newEndpoint.verify} />
        </Section>
        <Section title={newEndpoint.test}>
          <SendTest endpointId={endpoint.id} />
        </Section>
        <Link to="/webhooks/$id" params={{ id: endpoint.id }} className={buttonClass()}>
          {newEndpoint.done}
        </Link>
      </div>
    </Page>
  );
}
