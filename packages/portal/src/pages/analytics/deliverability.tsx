import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Deliverability, RateLevel, StatsWindow } from '../../api/objects.ts';
import { toProblem } from '../../api/problem.ts';
import { deliverabilityQuery } from '../../api/queries.ts';
import { NumberTable } from '../../design/lists/number-table.tsx';
import { PartNotice, ProblemNotice, Waiting } from '../../design/notices.tsx';
import { Card, Section } from '../../design/page.tsx';
import { Badge } from '../../design/state.tsx';
import { formatCount, formatShare } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';
import { CountLink } from './count-link.tsx';
import { REST, type StatsFilters, timeOf } from './stats-filters.ts';

const LOOKS = {
  unknown: { tone: 'idle', icon: 'dot' },
  good: { tone: 'good', icon: 'check' },
  warning: { tone: 'warn', icon: 'wait' },
  critical: { tone: 'bad', icon: 'cross' },
} as const;

const COUNTED = { bounce: 'bounced', complaint: 'complained' } as const;

const LEVELS: readonly RateLevel[] = ['unknown', 'good', 'warning', 'critical'];

function Level({ level }: { level: RateLevel }) {
  const { analytics } = useWords();
  return <Badge {...LOOKS[level]}>{analytics.levels[level]}</Badge>;
}

/** Do receivers put up with it? Rates against what mailbox providers publish. */
export function DeliverabilitySection({ filters }: { filters: StatsFilters }) {
  const { analytics } = useWords();
  const { period, since, until } = filters;
  const query = useQuery(
    deliverabilityQuery({ period, since, until }, (nowMs) => timeOf(filters, nowMs)),
  );
  const { data, error, refetch } = query;
  // The time that was asked for is refused: the page says so above.
  if (error !== null && toProblem(error).status === 422) return null;
  return (
    <Section title={analytics.deliverability} aside={data && <Level level={data.level} />}>
      <p className="mb-3 max-w-3xl text-muted">{analytics.deliverabilityLead}</p>
      {data === undefined ? (
        error === null ? (
          <Waiting rows={4} />
        ) : (
          <ProblemNotice error={error} retry={() => void refetch()} />
        )
      ) : (
        <>
          {error !== null && (
            <PartNotice lead={analytics.old} error={error} retry={() => void refetch()} />
          )}
          <Checks checks={data.checks} time={data} />
          <Domains domains={data.receiving_domains} filters={filters} />
        </>
      )}
    </Section>
  );
}

/** Each of your rates leads to what it counts, whoever publishes the line that it is held against. */
function Checks({ checks, time }: Pick<Deliverability, 'checks'> & { time: StatsWindow }) {
  const { words, language } = useLanguage();
  const { analytics, overview } = words;
  const names = { bounce: overview.bounceRate, complaint: overview.complaintRate };
  return (
    <Card className="mb-4">
      <NumberTable
        label={analytics.checks}
        rows={checks}
        keyOf={({ rate, publisher }) => `${rate} ${publisher}`}
        columns={[
          {
            name: analytics.publisher,
            isText: true,
            value: ({ publisher }) => publisher,
            cell: ({ publisher, source }) => (
              <a href={source} target="_blank" rel="noreferrer" className="underline">
                {publisher}
              </a>
            ),
          },
          {
            name: analytics.rate,
            isText: true,
            value: ({ rate }) => names[rate],
            cell: ({ rate }) => names[rate],
          },
          {
            name: analytics.yours,
            value: ({ value }) => value,
            cell: ({ value, rate }) => (
              <CountLink metric={COUNTED[rate]} filters={{}} time={time}>
                {formatShare(value, language)}
              </CountLink>
            ),
          },
          {
            name: analytics.recommended,
            value: ({ recommended }) => recommended,
            cell: ({ recommended }) => formatShare(recommended, language),
          },
          {
            name: analytics.limit,
            value: ({ limit }) => limit,
            cell: ({ limit }) => formatShare(limit, language),
          },
          {
            name: analytics.level,
            isText: true,
            value: ({ level }) => LEVELS.indexOf(level),
            cell: ({ level }) => <Level level={level} />,
          },
        ]}
      />
    </Card>
  );
}

/** A domain leads to its own numbers, with its reasons of bounces. */
function Domains({
  domains,
  filters: { period, since, until },
}: {
  domains: Deliverability['receiving_domains'];
  filters: StatsFilters;
}) {
  const { words, language } = useLanguage();
  const { analytics, overview, mailStates } = words;
  if (domains.length === 0) return null;
  const count = (value: number) => formatCount(value, language);
  return (
    <Card>
      <NumberTable
        label={analytics.byDomain}
        className="max-h-96"
        rows={domains}
        keyOf={({ domain }) => domain}
        columns={[
          {
            name: analytics.groupings.receiving_domain,
            isText: true,
            value: ({ domain }) => domain,
            cell: ({ domain }) =>
              domain === REST ? (
                domain
              ) : (
                <Link
                  to="/analytics"
                  search={{ period, since, until, receiving_domain: domain }}
                  className="underline"
                >
                  {domain}
                </Link>
              ),
          },
          {
            name: mailStates.delivered,
            value: ({ delivered }) => delivered,
            cell: ({ delivered }) => count(delivered),
          },
          {
            name: mailStates.bounced,
            value: ({ bounced }) => bounced,
            cell: ({ bounced }) => count(bounced),
          },
          {
            name: overview.bounceRate,
            value: ({ rates }) => rates.bounce,
            cell: ({ rates }) => formatShare(rates.bounce, language),
          },
          {
            name: overview.complaintRate,
            value: ({ rates }) => rates.complaint,
            cell: ({ rates }) => formatShare(rates.complaint, language),
          },
          {
            name: analytics.level,
            isText: true,
            value: ({ level }) => LEVELS.indexOf(level),
            cell: ({ level }) => <Level level={level} />,
          },
        ]}
      />
    </Card>
  );
}
