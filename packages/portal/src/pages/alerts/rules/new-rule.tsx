import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { call } from '../../../api/client.ts';
import type { AlertRule } from '../../../api/objects.ts';
import { alertRulesQuery, alertRuleTypesQuery } from '../../../api/queries.ts';
import { SelectField } from '../../../design/forms/field.tsx';
import { isLoaded, NotLoaded } from '../../../design/notices.tsx';
import { Page } from '../../../design/page.tsx';
import { useWords } from '../../../words/words.tsx';
import { RuleForm } from './rule-form.tsx';

const route = getRouteApi('/alerts/rules/new');

/** A rule on one page: what it watches, when it fires, whom it tells. */
export function NewRule() {
  const { alerts } = useWords();
  const client = useQueryClient();
  const navigate = route.useNavigate();
  const { type: asked } = route.useSearch();
  const query = useQuery(alertRuleTypesQuery());
  const create = useMutation({
    mutationFn: (body: object) => call<AlertRule>('/v1/alert-rules', { method: 'POST', body }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: alertRulesQuery().queryKey });
      void navigate({ to: '/alerts/rules' });
    },
  });
  if (!isLoaded(query)) return <NotLoaded query={query} />;
  const types = query.data.data;
  const type = types.find((one) => one.type === asked) ?? types[0];
  if (type === undefined) return null;
  return (
    <Page title={alerts.newRule} answer={alerts.newRuleLead}>
      <RuleForm
        type={type}
        kept={null}
        error={create.error}
        isBusy={create.isPending}
        save={(body) => create.mutate({ type: type.type, ...body })}
        before={
          <div className="mb-3">
            <p className="mb-1 font-medium" aria-hidden="true">
              {alerts.form.type}
            </p>
            <SelectField
              label={alerts.form.type}
              value={type.type}
              options={types.map((one): [string, string] => [one.type, one.title])}
              onChange={({ target }) => {
                create.reset();
                void navigate({ replace: true, search: { type: target.value } });
              }}
            />
          </div>
        }
      />
    </Page>
  );
}
