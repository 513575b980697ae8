import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { call } from '../../../api/client.ts';
import { alertRulesQuery, defaultAlertRulesQuery } from '../../../api/queries.ts';
import { CheckField } from '../../../design/forms/check-field.tsx';
import { FormDialog } from '../../../design/forms/form-dialog.tsx';
import { ProblemNotice, Skeleton } from '../../../design/notices.tsx';
import { useWords } from '../../../words/words.tsx';
import { readTo } from './read-rule.ts';
import { ToFields } from './telling-fields.tsx';

/** Rules that most projects want, to be taken over: nobody has them unasked. */
export function DefaultRules({ close }: { close: () => void }) {
  const { alerts } = useWords();
  const client = useQueryClient();
  const { data, error, refetch } = useQuery(defaultAlertRulesQuery());
  const take = useMutation({
    mutationFn: (form: FormData) => {
      const names = form.getAll('names').map(String);
      const body = { to: readTo(form), names };
      return call('/v1/alert-rules/defaults', { method: 'POST', body });
    },
    async onSuccess() {
      await client.invalidateQueries({ queryKey: alertRulesQuery().queryKey });
      void client.invalidateQueries({ queryKey: defaultAlertRulesQuery().queryKey });
      close();
    },
  });
  return (
    <FormDialog
      title={alerts.defaults}
      action={alerts.take}
      close={close}
      isBusy={take.isPending}
      error={take.error}
      submit={(form) => take.mutate(form)}
    >
      <p className="text-muted">{alerts.defaultsLead}</p>
      <ToFields kept={null} />
      {data === undefined ? (
        error === null ? (
          <Skeleton rows={5} />
        ) : (
          <ProblemNotice error={error} retry={() => void refetch()} />
        )
      ) : (
        <fieldset>
          <legend className="mb-1 font-medium">{alerts.tabs.rules}</legend>
          {data.data.map(({ name, sentence, taken }) => (
            <CheckField
              key={name}
              label={name}
              help={taken ? alerts.taken : sentence}
              name="names"
              value={name}
              defaultChecked={!taken}
              disabled={taken}
            />
          ))}
        </fieldset>
      )}
    </FormDialog>
  );
}
