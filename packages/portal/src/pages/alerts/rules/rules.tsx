import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { AlertRule } from '../../../api/objects.ts';
import { alertRulesQuery } from '../../../api/queries.ts';
import { useMayManage } from '../../../api/session.ts';
import { Button, buttonClass } from '../../../design/button.tsx';
import { Empty, PartNotice, ProblemNotice, Waiting } from '../../../design/notices.tsx';
import { Card } from '../../../design/page.tsx';
import { Badge } from '../../../design/state.tsx';
import { useWords } from '../../../words/words.tsx';
import { AlertsPage } from '../alert-parts.tsx';
import { DefaultRules } from './default-rules.tsx';

/** What is watched over, each rule in its own sentence. */
export function AlertRules() {
  const { alerts, common } = useWords();
  const mayManage = useMayManage();
  const [isTaking, setTaking] = useState(false);
  const { data, error, refetch, ...query } = useInfiniteQuery(alertRulesQuery());
  const rows = data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <AlertsPage
      answer={alerts.rulesLead}
      actions={
        mayManage && (
          <>
            <Button onClick={() => setTaking(true)}>{alerts.defaults}</Button>
            <Link to="/alerts/rules/new" className={buttonClass('primary')}>
              {alerts.newRule}
            </Link>
          </>
        )
      }
    >
      {data === undefined ? (
        error === null ? (
          <Waiting />
        ) : (
          <ProblemNotice error={error} retry={() => void refetch()} />
        )
      ) : rows.length === 0 ? (
        <Empty title={alerts.noRules} help={alerts.noRulesHelp} />
      ) : (
        <>
          <Card>
            <ul>
              {rows.map((rule) => (
                <RuleRow key={rule.id} rule={rule} />
              ))}
            </ul>
            {query.hasNextPage && (
              <div className="flex justify-center p-2">
                <Button
                  kind="quiet"
                  isBusy={query.isFetchingNextPage}
                  onClick={() => void query.fetchNextPage()}
                >
                  {common.more}
                </Button>
              </div>
            )}
          </Card>
          {error !== null && (
            <PartNotice lead={common.halfLoaded} error={error} retry={() => void refetch()} />
          )}
        </>
      )}
      {isTaking && <DefaultRules close={() => setTaking(false)} />}
    </AlertsPage>
  );
}

function RuleRow({ rule }: { rule: AlertRule }) {
  const { alerts } = useWords();
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-1 border-b border-line p-3 last:border-0">
      <div className="min-w-0 flex-1 basis-72">
        <Link to="/alerts/rules/$id" params={{ id: rule.id }} className="font-medium underline">
          {rule.name}
        </Link>
        <p className="wrap-anywhere text-muted">{rule.sentence}</p>
        {rule.problems.length > 0 && (
          <p className="wrap-anywhere text-bad">
            {alerts.problems}: {rule.problems.map(({ detail }) => detail).join(' ')}
          </p>
        )}
      </div>
      <RuleState rule={rule} />
    </li>
  );
}

/** Whether it watches, and whether it fires. */
export function RuleState({ rule }: { rule: AlertRule }) {
  const { alerts } = useWords();
  if (rule.firing > 0) {
    return (
      <Badge tone="bad" icon="alerts">
        {alerts.states.firing}
      </Badge>
    );
  }
  return rule.enabled ? (
    <Badge tone="good" icon="check">
      {alerts.watching}
    </Badge>
  ) : (
    <Badge tone="idle" icon="pause">
      {alerts.off}
    </Badge>
  );
}
