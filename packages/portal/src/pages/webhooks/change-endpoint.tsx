import { useState } from 'react';
import type { Endpoint } from '../../api/objects.ts';
import { TextField } from '../../design/forms/field.tsx';
import { FormDialog } from '../../design/forms/form-dialog.tsx';
import { useWords } from '../../words/words.tsx';
import { ChooseEvents } from './choose-events.tsx';
import { useEndpointChange } from './use-endpoint-change.ts';

/** Where an endpoint is, and what it gets. */
export function ChangeEndpoint({ endpoint, close }: { endpoint: Endpoint; close: () => void }) {
  const { endpoint: words, newEndpoint } = useWords();
  const change = useEndpointChange(endpoint);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(endpoint.event_types));

  function submit(form: FormData): void {
    change.mutate(
      {
        url: String(form.get('url')).trim(),
        description: String(form.get('description')),
        event_types: [...chosen],
      },
      { onSuccess: close },
    );
  }

  return (
    <FormDialog
      title={words.change}
      action={words.saveChange}
      close={close}
      isBusy={change.isPending}
      error={change.error}
      submit={submit}
    >
      <TextField
        label={newEndpoint.url}
        name="url"
        type="url"
        required
        defaultValue={endpoint.url}
        help={newEndpoint.urlHelp}
      />
      <TextField
        label={newEndpoint.description}
        name="description"
        maxLength={200}
        defaultValue={endpoint.description}
      />
      <ChooseEvents chosen={chosen} choose={setChosen} />
    </FormDialog>
  );
}
