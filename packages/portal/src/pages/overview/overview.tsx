import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { type Endpoint, PERIODS } from '../../api/objects.ts';
import {
  alertsQuery,
  deadLettersQuery,
  endpointsQuery,
  messagesQuery,
  queueQuery,
} from '../../api/queries.ts';
import { SelectField } from '../../design/forms/field.tsx';
import { Icon } from '../../design/icon.tsx';
import { isLoaded, NotLoaded } from '../../design/notices.tsx';
import { Card, Page, Section } from '../../design/page.tsx';
import { Time } from '../../design/time.tsx';
import { formatCount, formatSpan } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';
import { EndpointStatus } from '../webhooks/endpoints.tsx';
import { MailCharts } from './mail-charts.tsx';

const route = getRouteApi('/');

const LATEST = 8;
const LOOK_AGAIN_MS = 5_000;

/** Is all well? If not, what needs somebody. */
export function Overview() {
  const { words, language } = useLanguage();
  const { overview } = words;
  const queue = useQuery(queueQuery());
  const endpoints = useInfiniteQuery({ ...endpointsQuery(), refetchInterval: LOOK_AGAIN_MS });
  const messages = useInfiniteQuery({
    ...messagesQuery({ recipient: '' }),
    refetchInterval: LOOK_AGAIN_MS,
  });
  const dead = useQuery(deadLettersQuery());
  const { period = '24h' } = route.useSearch();
  const navigate = route.useNavigate();
  const shownPeriod = PERIODS.find((one) => one === period) ?? '24h';
  if (!isLoaded(queue)) return <NotLoaded query={queue} />;
  const all = endpoints.data?.pages.flatMap(({ data }) => data) ?? [];
  const troubled = all.filter(isTroubled);
  const deadCount = dead.data?.data.reduce((sum, { count }) => sum + count, 0) ?? 0;
  const latest = messages.data?.pages[0]?.data.slice(0, LATEST) ?? [];
  return (
    <Page
      title={overview.title}
      answer={troubled.length === 0 ? overview.allTold : overview.attention(troubled.length)}
    >
      <Firing />
      <div className="mb-8 grid grid-cols-2 gap-4 lg:grid-cols-4">
        <Figure to="/webhooks" name={overview.waiting}>
          {formatCount(queue.data.depth, language)}
          {queue.data.at_least && '+'}
        </Figure>
        <Figure to="/webhooks" name={overview.lag}>
          {formatSpan(queue.data.lag_seconds * 1_000, words)}
        </Figure>
        <Figure to="/webhooks" name={overview.endpoints}>
          {formatCount(all.length, language)}
          {troubled.length > 0 && (
            <span className="ml-2 text-[15px] text-bad">
              {formatCount(troubled.length, language)} {overview.failing}
            </span>
          )}
        </Figure>
        <Figure to="/dead-letters" name={words.deliveries.deadTitle}>
          {formatCount(deadCount, language)}
          {dead.data?.at_least === true && '+'}
        </Figure>
      </div>
      {troubled.length > 0 && (
        <Section title={overview.needsAttention}>
          <Card>
            <ul>
              {troubled.map((endpoint) => (
                <Trouble key={endpoint.id} endpoint={endpoint} />
              ))}
            </ul>
          </Card>
        </Section>
      )}
      <Section
        title={overview.mail}
        aside={
          <SelectField
            label={overview.period}
            value={shownPeriod}
            options={PERIODS.map((one): [string, string] => [one, overview.periods[one]])}
            onChange={({ target }) =>
              void navigate({ search: { period: target.value }, replace: true })
            }
            className="!w-auto"
          />
        }
      >
        <MailCharts period={shownPeriod} />
      </Section>
      <Section title={overview.latest} aside={<Link to="/messages">{overview.allMessages}</Link>}>
        <Card>
          {latest.length === 0 ? (
            <p className="p-3 text-muted">{words.messages.empty}</p>
          ) : (
            <ul>
              {latest.map(({ id, subject, from, created_at }) => (
                <li
                  key={id}
                  className="flex items-center gap-4 border-b border-line px-3 last:border-0"
                >
                  <Link
                    to="/messages/$id"
                    params={{ id }}
                    className="flex h-9 min-w-0 flex-1 items-center truncate font-medium no-underline hover:underline"
                  >
                    {subject ?? words.messages.noSubject}
                  </Link>
                  <span className="truncate font-mono text-[13px] text-muted max-sm:hidden">
                    {from}
                  </span>
                  <span className="text-muted">
                    <Time at={created_at} />
                  </span>
                </li>
              ))}
            </ul>
          )}
        </Card>
      </Section>
    </Page>
  );
}

/** What fires, in one line. */
function Firing() {
  const { alerts } = useWords();
  const { data } = useInfiniteQuery(alertsQuery('firing'));
  const rows = data?.pages.flatMap((page) => page.data) ?? [];
  const names = [...new Set(rows.map(({ rule }) => rule.name))];
  if (rows.length === 0) return null;
  return (
    <p role="status" className="mb-4 flex items-start gap-2 rounded-md bg-bad-soft p-2.5 text-bad">
      <Icon name="alerts" className="mt-0.5" />
      <span className="min-w-0">
        {alerts.onOverview(rows.length)}{' '}
        <Link to="/alerts" className="underline">
          {names.join(', ')}
        </Link>
      </span>
    </p>
  );
}

function isTroubled({ status, health }: Endpoint): boolean {
  return status === 'disabled' || health.failing_since !== null;
}

function Figure({
  to,
  name,
  children,
}: {
  to: '/webhooks' | '/dead-letters';
  name: string;
  children: ReactNode;
}) {
  return (
    <Link
      to={to}
      className="rounded-md border border-line bg-surface p-4 no-underline hover:border-line-strong"
    >
      <span className="block text-muted">{name}</span>
      <span className="mt-1 block text-[26px] leading-tight font-semibold">{children}</span>
    </Link>
  );
}

function Trouble({ endpoint }: { endpoint: Endpoint }) {
  const { overview } = useWords();
  return (
    <li className="flex flex-wrap items-center gap-3 border-b border-line p-3 last:border-0">
      <EndpointStatus endpoint={endpoint} />
      <Link
        to="/webhooks/$id"
        params={{ id: endpoint.id }}
        className="min-w-0 truncate font-mono text-[13px]"
      >
        {endpoint.url}
      </Link>
      <span className="text-muted">
        {endpoint.status === 'disabled' ? (
          overview.disabled
        ) : (
          <Time at={endpoint.health.failing_since ?? endpoint.updated_at} />
        )}
      </span>
    </li>
  );
}
