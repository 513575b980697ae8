import { useQuery } from '@tanstack/react-query';
import type { Deliverability, RateLevel } from '../../api/objects.ts';
import { toProblem } from '../../api/problem.ts';
import { deliverabilityQuery } from '../../api/queries.ts';
import { NumberTable } from '../../design/lists/number-table.tsx';
import { PartNotice, ProblemNotice, Waiting } from '../../design/notices.tsx';
import { Card, Section } from '../../design/page.tsx';
import { Badge } from '../../design/state.tsx';
import { formatCount, formatShare } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';
import { type StatsFilters, timeOf } from './stats-filters.ts';

const LOOKS = {
  unknown: { tone: 'idle', icon: 'dot' },
  good: { tone: 'good', icon: 'check' },
  warning: { tone: 'warn', icon: 'wait' },
  critical: { tone: 'bad', icon: 'cross' },
} as const;

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
          <Checks checks={data.checks} />
          <Domains domains={data.receiving_domains} />
        </>
      )}
    </Section>
  );
}

function Checks({ checks }: Pick<Deliverability, 'checks'>) {
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
            cell: ({ value }) => formatShare(value, language),
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

function Domains({ domains }: { domains: Deliverability['receiving_domains'] }) {
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
            cell: ({ domain }) => domain,
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
