import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { AlertNotice, WholeAlert } from '../../api/objects.ts';
import { alertQuery } from '../../api/queries.ts';
import { Code } from '../../design/copy.tsx';
import { isLoaded, NotLoaded } from '../../design/notices.tsx';
import { Card, Facts, Page, Section } from '../../design/page.tsx';
import { Badge } from '../../design/state.tsx';
import { Time } from '../../design/time.tsx';
import { useWords } from '../../words/words.tsx';
import { AboutLink, AlertCommands, AlertState } from './alert-parts.tsx';

const route = getRouteApi('/alerts/$id');

/** One alert: what was found, who has seen it, and what was told to whom. */
export function AlertPage() {
  const { id } = route.useParams();
  const query = useQuery(alertQuery(id));
  if (!isLoaded(query)) return <NotLoaded query={query} />;
  const alert = query.data;
  return (
    <Page
      title={alert.rule.name}
      answer={
        <div className="flex flex-col items-start gap-2">
          <AlertState state={alert.state} />
          <p className="wrap-anywhere text-ink">{alert.sentence}</p>
        </div>
      }
      actions={<AlertCommands alert={alert} />}
    >
      <div className="grid gap-x-8 lg:grid-cols-[minmax(0,1fr)_22rem]">
        <Notices history={alert.history} />
        <AlertFacts alert={alert} />
      </div>
    </Page>
  );
}

function AlertFacts({ alert }: { alert: WholeAlert }) {
  const { alerts } = useWords();
  const { resolved_at, resolved_because, acknowledged_at, snoozed_until, about } = alert;
  return (
    <Section title={alerts.facts}>
      <Card>
        <Facts
          facts={[
            [
              alerts.rule,
              <Link
                key="rule"
                to="/alerts/rules/$id"
                params={{ id: alert.rule.id }}
                className="underline"
              >
                {alert.rule.name}
              </Link>,
            ],
            ...(about === null
              ? []
              : [[alerts.about, <AboutLink key="about" about={about} />] as const]),
            [alerts.fired, <Time key="fired" at={alert.fired_at} isExact />],
            ...(resolved_at === null
              ? []
              : [
                  [
                    alerts.states.resolved,
                    <span key="resolved">
                      <Time at={resolved_at} isExact />
                      {resolved_because !== null && ` · ${alerts.because[resolved_because]}`}
                    </span>,
                  ] as const,
                ]),
            ...(acknowledged_at === null
              ? []
              : [
                  [
                    alerts.states.acknowledged,
                    <span key="seen">
                      {alert.acknowledged_by} · <Time at={acknowledged_at} />
                    </span>,
                  ] as const,
                ]),
            ...(snoozed_until === null
              ? []
              : [
                  [
                    alerts.snoozedUntil,
                    <span key="snoozed">
                      <Time at={snoozed_until} isExact /> · {alert.snoozed_by}
                    </span>,
                  ] as const,
                ]),
            ['id', <Code key="id" text={alert.id} isShort />],
          ]}
        />
      </Card>
    </Section>
  );
}

const LOOKS = {
  waiting: { tone: 'warn', icon: 'wait' },
  quiet: { tone: 'idle', icon: 'pause' },
  sent: { tone: 'good', icon: 'check' },
  failed: { tone: 'bad', icon: 'cross' },
} as const;

/** What was told and done because of it, the newest last. */
function Notices({ history }: Pick<WholeAlert, 'history'>) {
  const { alerts } = useWords();
  return (
    <Section title={alerts.told}>
      {history.length === 0 ? (
        <p className="text-muted">{alerts.toldNobody}</p>
      ) : (
        <Card>
          <ul>
            {history.map((notice) => (
              <Notice key={notice.id} notice={notice} />
            ))}
          </ul>
        </Card>
      )}
    </Section>
  );
}

function Notice({ notice }: { notice: AlertNotice }) {
  const { alerts, message } = useWords();
  const { what, kind, to, name, state, attempts, detail, created_at, due_at } = notice;
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-1 border-b border-line p-3 last:border-0">
      <Badge {...LOOKS[state]}>{alerts.noticeStates[state]}</Badge>
      <div className="min-w-0 flex-1">
        <p className="wrap-anywhere">
          {alerts.turns[what]} · {alerts.kinds[kind]}{' '}
          {kind === 'sink' ? (
            <Link to="/sinks/$id" params={{ id: to }} className="underline">
              {name}
            </Link>
          ) : (
            name
          )}
        </p>
        <p className="text-[13px] wrap-anywhere text-muted">
          <Time at={created_at} />
          {attempts > 1 && ` · ${message.attempts(attempts)}`}
          {due_at !== null && (
            <>
              {' · '}
              {alerts.due} <Time at={due_at} />
            </>
          )}
          {detail !== null && ` · ${detail}`}
        </p>
      </div>
    </li>
  );
}
