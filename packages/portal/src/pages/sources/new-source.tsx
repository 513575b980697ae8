import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import type { Source } from '../../api/objects.ts';
import { sourcesQuery } from '../../api/queries.ts';
import { Button, buttonClass } from '../../design/button.tsx';
import { CodeBlock } from '../../design/copy.tsx';
import { TextField } from '../../design/forms/field.tsx';
import { Form } from '../../design/forms/form.tsx';
import { Page, Section } from '../../design/page.tsx';
import { useWords } from '../../words/words.tsx';

/** In the order of docs/sources.md. The server knows more names; the API takes all of them. */
const PROVIDERS = [
  'sendgrid',
  'mailgun',
  'postmark',
  'ses',
  'resend',
  'brevo',
  'mandrill',
  'sparkpost',
  'mailchannels',
  'postal',
  'frontengine',
  'flexmail',
  'sendarix',
  'mailfloss',
  'mailjet',
  'mailtrap',
  'mailersend',
  'elasticemail',
  'customerio',
  'scaleway',
  'azure',
  'unisender',
  'mailomat',
  'sweego',
  'ahasend',
  'standard',
  'cloudevents',
];

/** From a provider to the URL that is entered there. */
export function NewSource() {
  const { sources } = useWords();
  const client = useQueryClient();
  const [created, setCreated] = useState<Source | null>(null);
  const create = useMutation({
    mutationFn: (body: object) => call<Source>('/v1/sources', { method: 'POST', body }),
    onSuccess(source) {
      void client.invalidateQueries({ queryKey: sourcesQuery().queryKey });
      setCreated(source);
    },
  });
  if (created !== null) return <Created source={created} />;

  function submit(form: FormData): void {
    const [name, secret] = [String(form.get('name')).trim(), String(form.get('secrets')).trim()];
    create.mutate({
      provider: String(form.get('provider')),
      ...(name === '' ? {} : { name }),
      ...(secret === '' ? {} : { secrets: [secret] }),
    });
  }

  return (
    <Page title={sources.create} answer={sources.createLead}>
      <Form error={create.error} submit={submit} className="flex max-w-2xl flex-col gap-4">
        <label className="block">
          <span className="mb-1 block font-medium">{sources.provider}</span>
          <select
            name="provider"
            className="h-8 rounded-md border border-line-strong bg-surface px-2"
          >
            {PROVIDERS.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <TextField label={sources.name} name="name" maxLength={100} />
        <TextField
          label={sources.secret}
          name="secrets"
          autoComplete="off"
          help={sources.unsigned}
        />
        <div>
          <Button type="submit" kind="primary" isBusy={create.isPending}>
            {sources.create}
          </Button>
        </div>
      </Form>
    </Page>
  );
}

function Created({ source }: { source: Source }) {
  const { sources } = useWords();
  const url = source.url ?? `${window.location.origin}${source.path ?? ''}`;
  return (
    <Page title={sources.createdTitle} answer={source.name}>
      <Section title={sources.url}>
        <p className="mb-2 text-muted">{sources.urlLead}</p>
        <CodeBlock text={url} label={sources.url} />
      </Section>
      <Link to="/sources/$id" params={{ id: source.id }} className={buttonClass()}>
        {sources.done}
      </Link>
    </Page>
  );
}
