import { getRouteApi, Link } from '@tanstack/react-router';
import type { Stats, StatsTotals } from '../../api/objects.ts';
import { SelectField } from '../../design/forms/field.tsx';
import { type NumberColumn, NumberTable } from '../../design/lists/number-table.tsx';
import { Card, Section } from '../../design/page.tsx';
import { formatCount, formatShare, formatSpan } from '../../words/format.ts';
import { useLanguage } from '../../words/words.tsx';
import { CountLink, type Metric } from './count-link.tsx';
import { ExportButton } from './export-button.tsx';
import {
  GROUPINGS,
  groupingOf,
  narrowedTo,
  REST,
  type StatsFilters,
  toGroupsQuery,
} from './stats-filters.ts';

const route = getRouteApi('/analytics');

type Group = StatsTotals & { value: string };

/** The same numbers for each stream, tag, domain or provider: a click narrows the page to one. */
export function Groups({
  stats,
  filters,
  isOld,
}: {
  stats: Stats;
  filters: StatsFilters;
  /** They are of another question, whose answer is not there yet. */
  isOld: boolean;
}) {
  const { words, language } = useLanguage();
  const { analytics, mailStates, overview } = words;
  const navigate = route.useNavigate();
  const grouping = groupingOf(filters);
  // Sums of what is narrowed already are split by stream, and by nothing else.
  const choices = narrowedTo(filters) === null ? GROUPINGS : (['stream'] as const);

  const counted = (metric: Metric): NumberColumn<Group> => ({
    name: mailStates[metric],
    value: (row) => row[metric],
    cell: (row) => (
      <CountLink
        metric={metric}
        filters={filters}
        narrowed={{ dimension: grouping, value: row.value }}
        time={stats}
      >
        {formatCount(row[metric], language)}
      </CountLink>
    ),
  });
  const shared = (name: string, rate: keyof StatsTotals['rates']): NumberColumn<Group> => ({
    name,
    value: ({ rates }) => rates[rate],
    cell: ({ rates }) => formatShare(rates[rate], language),
  });

  return (
    <Section
      title={analytics.groupsTitle}
      aside={
        <div className="flex flex-wrap items-center justify-end gap-2">
          <SelectField
            label={analytics.groupBy}
            value={grouping}
            options={choices.map((one): [string, string] => [one, analytics.groupings[one]])}
            onChange={({ target }) =>
              void navigate({
                replace: true,
                search: (before) => ({ ...before, group_by: target.value }),
              })
            }
            className="!w-auto"
          />
          <ExportButton
            name={analytics.exportGroups}
            file="groups.csv"
            toQuery={() => toGroupsQuery(filters, Date.now())}
          />
        </div>
      }
    >
      <Card>
        <NumberTable
          label={analytics.groupings[grouping]}
          className="max-h-[36rem]"
          rows={stats.groups ?? []}
          keyOf={({ value }) => value}
          columns={[
            {
              name: analytics.groupings[grouping],
              isText: true,
              value: ({ value }) => value,
              cell: ({ value }) =>
                value === REST || isOld || filters[grouping] === value ? (
                  value
                ) : (
                  <Link
                    to="/analytics"
                    search={{ ...filters, [grouping]: value }}
                    className="underline"
                  >
                    {value}
                  </Link>
                ),
            },
            counted('delivered'),
            counted('bounced'),
            shared(overview.bounceRate, 'bounce'),
            counted('complained'),
            shared(overview.complaintRate, 'complaint'),
            counted('opened'),
            counted('clicked'),
            {
              name: analytics.median,
              value: (row) => row.delivery_latency_ms.p50,
              cell: ({ delivery_latency_ms: { p50 } }) =>
                p50 === null ? '–' : formatSpan(p50, words),
            },
          ]}
        />
      </Card>
    </Section>
  );
}
