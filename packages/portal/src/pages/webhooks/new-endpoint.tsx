import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import type { Endpoint } from '../../api/objects.ts';
import { endpointsQuery } from '../../api/queries.ts';
import { Button, buttonClass } from '../../design/button.tsx';
import { CodeBlock } from '../../design/copy.tsx';
import { SelectField, TextField } from '../../design/forms/field.tsx';
import { Form } from '../../design/forms/form.tsx';
import { Page, Section } from '../../design/page.tsx';
import { useWords } from '../../words/words.tsx';
import { ChooseEvents } from './choose-events.tsx';
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
        <ChooseEvents chosen={chosen} choose={setChosen} />
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
