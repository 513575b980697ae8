import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../../api/client.ts';
import type { AlertRule } from '../../../api/objects.ts';
import { alertRuleQuery, alertRulesQuery, alertRuleTypesQuery } from '../../../api/queries.ts';
import { useMayManage } from '../../../api/session.ts';
import { Button } from '../../../design/button.tsx';
import { isLoaded, NotLoaded } from '../../../design/notices.tsx';
import { Page } from '../../../design/page.tsx';
import { Question } from '../../../design/question.tsx';
import { useWords } from '../../../words/words.tsx';
import { RuleForm } from './rule-form.tsx';
import { RuleState } from './rules.tsx';

const route = getRouteApi('/alerts/rules/$id');

const pathOf = (id: string): string => `/v1/alert-rules/${encodeURIComponent(id)}`;

/** One rule: what it says, and for who may, the form that changes it. */
export function RulePage() {
  const { id } = route.useParams();
  const { alerts } = useWords();
  const mayManage = useMayManage();
  const [isRemoving, setRemoving] = useState(false);
  const query = useQuery(alertRuleQuery(id));
  const types = useQuery(alertRuleTypesQuery());
  if (!isLoaded(query)) return <NotLoaded query={query} />;
  if (!isLoaded(types)) return <NotLoaded query={types} />;
  const rule = query.data;
  const type = types.data.data.find((one) => one.type === rule.type);
  return (
    <Page
      title={rule.name}
      answer={
        <div className="flex flex-col items-start gap-2">
          <RuleState rule={rule} />
          <p className="wrap-anywhere text-ink">{rule.sentence}</p>
          <RuleProblems rule={rule} />
        </div>
      }
      actions={
        mayManage && (
          <Button kind="danger" onClick={() => setRemoving(true)}>
            {alerts.remove}
          </Button>
        )
      }
    >
      {mayManage && type !== undefined && <Change key={rule.version} rule={rule} type={type} />}
      {isRemoving && <Remove rule={rule} close={() => setRemoving(false)} />}
    </Page>
  );
}

/** What it names and is not there any more. */
export function RuleProblems({ rule }: { rule: AlertRule }) {
  if (rule.problems.length === 0) return null;
  return (
    <ul className="rounded-md bg-bad-soft p-2.5 text-bad">
      {rule.problems.map(({ pointer, detail }) => (
        <li key={pointer} className="wrap-anywhere">
          {detail}
        </li>
      ))}
    </ul>
  );
}

function Change({ rule, type }: { rule: AlertRule; type: Parameters<typeof RuleForm>[0]['type'] }) {
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (body: object) =>
      call(pathOf(rule.id), { method: 'PATCH', body, version: rule.version }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: [pathOf(rule.id)] });
      void client.invalidateQueries({ queryKey: alertRulesQuery().queryKey });
    },
  });
  return (
    <RuleForm
      type={type}
      kept={rule}
      error={change.error}
      isBusy={change.isPending}
      save={(body) => change.mutate(body)}
    />
  );
}

function Remove({ rule, close }: { rule: AlertRule; close: () => void }) {
  const { alerts } = useWords();
  const client = useQueryClient();
  const navigate = route.useNavigate();
  const remove = useMutation({
    mutationFn: () => call(pathOf(rule.id), { method: 'DELETE', version: rule.version }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: alertRulesQuery().queryKey });
      void navigate({ to: '/alerts/rules' });
    },
  });
  return (
    <Question
      title={alerts.removeTitle(rule.name)}
      effect={alerts.removeEffect}
      action={alerts.remove}
      kind="danger"
      isBusy={remove.isPending}
      error={remove.error}
      confirm={() => remove.mutate()}
      close={close}
    />
  );
}
