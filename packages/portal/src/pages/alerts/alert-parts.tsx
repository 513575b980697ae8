import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { call } from '../../api/client.ts';
import type { Alert, AlertSubject } from '../../api/objects.ts';
import { useMayManage } from '../../api/session.ts';
import { Button, buttonClass } from '../../design/button.tsx';
import { Page } from '../../design/page.tsx';
import { PageTabs } from '../../design/page-tabs.tsx';
import { Badge } from '../../design/state.tsx';
import { useWords } from '../../words/words.tsx';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** For how long an alert can be told to be quiet, ms. */
const SNOOZES = {
  hour: HOUR_MS,
  fourHours: 4 * HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
} as const;

const LOOKS = {
  firing: { tone: 'bad', icon: 'alerts' },
  acknowledged: { tone: 'warn', icon: 'check' },
  snoozed: { tone: 'idle', icon: 'pause' },
  resolved: { tone: 'good', icon: 'check' },
} as const;

export function AlertState({ state }: Pick<Alert, 'state'>) {
  const { alerts } = useWords();
  return <Badge {...LOOKS[state]}>{alerts.states[state]}</Badge>;
}

/** What fires, or what would: two pages that belong together. */
export function AlertsPage({
  answer,
  actions,
  children,
}: {
  answer?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const { alerts } = useWords();
  return (
    <Page title={alerts.title} answer={answer} actions={actions}>
      <PageTabs
        label={alerts.title}
        tabs={[
          ['/alerts', alerts.tabs.alerts],
          ['/alerts/rules', alerts.tabs.rules],
        ]}
      />
      {children}
    </Page>
  );
}

/** What an alert is about, with the way to its page where it has one. */
export function AboutLink({ about }: { about: AlertSubject }) {
  if (about === null) return null;
  const { kind, id, name } = about;
  const look = { className: 'underline wrap-anywhere', children: name };
  if (kind === 'endpoint') return <Link to="/webhooks/$id" params={{ id }} {...look} />;
  if (kind === 'source') return <Link to="/sources/$id" params={{ id }} {...look} />;
  if (kind === 'sink') return <Link to="/sinks/$id" params={{ id }} {...look} />;
  if (kind === 'domain') return <Link to="/domains/$id" params={{ id }} {...look} />;
  if (kind === 'receiving_domain') {
    return <Link to="/analytics" search={{ receiving_domain: id }} {...look} />;
  }
  return <span className="wrap-anywhere">{name}</span>;
}

/** Somebody has seen it, or it is to be quiet for a while. For who may decide. */
export function AlertCommands({ alert }: { alert: Alert }) {
  const { alerts } = useWords();
  const client = useQueryClient();
  const mayManage = useMayManage();
  const command = useMutation({
    mutationFn: ({ verb, body }: { verb: 'acknowledge' | 'snooze'; body: object }) =>
      call(`/v1/alerts/${encodeURIComponent(alert.id)}/${verb}`, { method: 'POST', body }),
    onSettled: () =>
      client.invalidateQueries({
        predicate: ({ queryKey }) => String(queryKey[0]).startsWith('/v1/alerts'),
      }),
  });
  if (!mayManage || alert.state === 'resolved') return null;

  function snooze(until: string | null): void {
    command.mutate({ verb: 'snooze', body: { until } });
  }

  return (
    <div className="flex flex-wrap items-center gap-2">
      {alert.acknowledged_at === null && (
        <Button
          aria-label={alerts.acknowledgeOf(alert.rule.name)}
          isBusy={command.isPending}
          onClick={() => command.mutate({ verb: 'acknowledge', body: {} })}
        >
          {alerts.acknowledge}
        </Button>
      )}
      {alert.state === 'snoozed' ? (
        <Button isBusy={command.isPending} onClick={() => snooze(null)}>
          {alerts.wake}
        </Button>
      ) : (
        <details className="relative">
          <summary
            aria-label={alerts.snoozeOf(alert.rule.name)}
            className={`${buttonClass()} cursor-pointer list-none`}
          >
            {alerts.snooze}
          </summary>
          <div className="absolute right-0 z-10 mt-1 flex w-40 flex-col rounded-md border border-line bg-surface p-1 shadow-float max-sm:right-auto max-sm:left-0">
            {Object.entries(SNOOZES).map(([key, span]) => (
              <Button
                key={key}
                kind="quiet"
                isBusy={command.isPending}
                onClick={() => snooze(new Date(Date.now() + span).toISOString())}
              >
                {alerts.snoozes[key as keyof typeof SNOOZES]}
              </Button>
            ))}
          </div>
        </details>
      )}
      {command.error !== null && (
        <span role="alert" className="text-bad">
          {command.error.message}
        </span>
      )}
    </div>
  );
}
