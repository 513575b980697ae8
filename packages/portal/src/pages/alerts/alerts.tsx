import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import type { Alert } from '../../api/objects.ts';
import { alertRulesQuery, alertsQuery } from '../../api/queries.ts';
import { buttonClass } from '../../design/button.tsx';
import type { Column } from '../../design/lists/data-list.tsx';
import { QueryList } from '../../design/lists/query-list.tsx';
import { Empty, PartNotice, ProblemNotice, Waiting } from '../../design/notices.tsx';
import { Card, Section } from '../../design/page.tsx';
import { Time } from '../../design/time.tsx';
import { formatSpan } from '../../words/format.ts';
import { useWords } from '../../words/words.tsx';
import { AboutLink, AlertCommands, AlertState, AlertsPage } from './alert-parts.tsx';

/** What fires now first, then what has fired. */
export function AlertsList() {
  const words = useWords();
  const { alerts, common } = words;
  const open = useInfiniteQuery(alertsQuery('open'));
  const hasRules = useHasRules();
  const { data, error, refetch } = open;
  const rows = data?.pages.flatMap((page) => page.data) ?? [];
  const firing = rows.filter(({ state }) => state === 'firing').length;
  return (
    <AlertsPage answer={data === undefined ? undefined : alerts.answer(firing)}>
      {data === undefined ? (
        error === null ? (
          <Waiting rows={3} />
        ) : (
          <ProblemNotice error={error} retry={() => void refetch()} />
        )
      ) : (
        <>
          {error !== null && (
            <PartNotice lead={common.halfLoaded} error={error} retry={() => void refetch()} />
          )}
          {rows.length > 0 && (
            <Card className="mb-8">
              <ul>
                {rows.map((alert) => (
                  <OpenAlert key={alert.id} alert={alert} />
                ))}
              </ul>
            </Card>
          )}
          {rows.length === 0 && hasRules === false && (
            <Empty title={alerts.noRules} help={alerts.noRulesHelp}>
              <Link to="/alerts/rules" className={buttonClass('primary')}>
                {alerts.toRules}
              </Link>
            </Empty>
          )}
        </>
      )}
      {hasRules !== false && <History />}
    </AlertsPage>
  );
}

/** Null while nobody knows. */
function useHasRules(): boolean | null {
  const { data } = useInfiniteQuery(alertRulesQuery());
  return data === undefined ? null : data.pages.some((page) => page.data.length > 0);
}

function OpenAlert({ alert }: { alert: Alert }) {
  const { alerts } = useWords();
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-2 border-b border-line p-3 last:border-0">
      <AlertState state={alert.state} />
      <div className="min-w-0 flex-1 basis-72">
        <Link to="/alerts/$id" params={{ id: alert.id }} className="font-medium underline">
          {alert.rule.name}
        </Link>{' '}
        <span className="text-muted">
          <Time at={alert.fired_at} />
        </span>
        <p className="wrap-anywhere">{alert.sentence}</p>
        <p className="text-[13px] text-muted">
          <AboutLink about={alert.about} />
        </p>
        {alert.notices.failed > 0 && (
          <p className="text-[13px] text-bad">{alerts.notTold(alert.notices.failed)}</p>
        )}
      </div>
      <AlertCommands alert={alert} />
    </li>
  );
}

/** What is over. */
function History() {
  const words = useWords();
  const { alerts } = words;
  const navigate = useNavigate();
  const query = useInfiniteQuery(alertsQuery('resolved'));
  const columns: Column<Alert>[] = [
    {
      name: alerts.rule,
      width: 'minmax(10rem, 2fr)',
      cell: ({ rule }) => <span className="font-medium">{rule.name}</span>,
    },
    { name: alerts.fired, width: '8rem', cell: ({ fired_at }) => <Time at={fired_at} /> },
    {
      name: alerts.lasted,
      width: '6rem',
      isExtra: true,
      cell: ({ fired_at, resolved_at }) =>
        resolved_at === null
          ? ''
          : formatSpan(Date.parse(resolved_at) - Date.parse(fired_at), words),
    },
    {
      name: alerts.what,
      width: 'minmax(12rem, 4fr)',
      isExtra: true,
      cell: ({ sentence }) => <span className="text-muted">{sentence}</span>,
    },
  ];
  return (
    <Section title={alerts.history}>
      <QueryList
        query={query}
        empty={<p className="text-muted">{alerts.noHistory}</p>}
        label={alerts.history}
        columns={columns}
        keyOf={({ id }) => id}
        linkOf={({ rule }) => rule.name}
        open={({ id }) => void navigate({ to: '/alerts/$id', params: { id } })}
      />
    </Section>
  );
}
