import type { Stats } from '../../api/objects.ts';
import { ChartCard } from '../../design/charts/chart-card.tsx';
import type { ChartSeries } from '../../design/charts/chart-series.ts';
import { NumberTable } from '../../design/lists/number-table.tsx';
import { Card, Section } from '../../design/page.tsx';
import { formatCount, formatShare } from '../../words/format.ts';
import { useLanguage } from '../../words/words.tsx';
import { CountLink } from './count-link.tsx';
import { Figure, useChartTime } from './mail-courses.tsx';
import type { StatsFilters } from './stats-filters.ts';

const TYPES: readonly ('hard' | 'soft' | 'undetermined')[] = ['hard', 'soft', 'undetermined'];

const LOOKS: Record<(typeof TYPES)[number], Pick<ChartSeries, 'colour' | 'line'>> = {
  hard: { colour: 'bad', line: 'solid' },
  soft: { colour: 'warn', line: 'dashed' },
  undetermined: { colour: 'muted', line: 'dotted' },
};

/** What did not arrive: for good or for now, and why. */
export function BounceKinds({ stats, filters }: { stats: Stats; filters: StatsFilters }) {
  const { words, language } = useLanguage();
  const { analytics } = words;
  const time = useChartTime(stats);
  const count = (value: number) => formatCount(value, language);
  const { totals, series } = stats;
  const categories = Object.entries(totals.bounced_by_category)
    .filter(([, n]) => n > 0)
    .toSorted(([, a], [, b]) => b - a);
  if (totals.bounced === 0) {
    return (
      <Section title={analytics.bounces}>
        <p className="text-muted">{analytics.noBounces}</p>
      </Section>
    );
  }
  return (
    <Section title={analytics.bounces}>
      <div className="grid grid-cols-1 items-start gap-4 lg:grid-cols-2">
        <ChartCard
          {...time}
          title={analytics.byType}
          figure={TYPES.map((type) => (
            <Figure key={type} name={analytics.bounceTypes[type]}>
              <CountLink metric="bounced" filters={filters} time={stats}>
                {count(totals.bounced_by_type[type] ?? 0)}
              </CountLink>
            </Figure>
          ))}
          formatValue={count}
          series={TYPES.map((type) => ({
            ...LOOKS[type],
            name: analytics.bounceTypes[type],
            values: series.map((one) => one.bounced_by_type[type] ?? 0),
          }))}
        />
        <Card>
          <NumberTable
            label={analytics.byCategory}
            className="max-h-96"
            rows={categories}
            keyOf={([category]) => category}
            columns={[
              {
                name: analytics.category,
                isText: true,
                value: ([category]) => category,
                cell: ([category, n]) => (
                  <>
                    <code className="font-mono text-[13px]">{category}</code>
                    <span
                      aria-hidden="true"
                      className="mt-1 block h-1 rounded-md bg-bad"
                      style={{ width: `${(n / totals.bounced) * 100}%` }}
                    />
                  </>
                ),
              },
              {
                name: words.mailStates.bounced,
                value: ([, n]) => n,
                cell: ([, n]) => (
                  <CountLink metric="bounced" filters={filters} time={stats}>
                    {count(n)}
                  </CountLink>
                ),
              },
              {
                name: analytics.share,
                value: ([, n]) => n,
                cell: ([, n]) => formatShare(n / totals.bounced, language),
              },
            ]}
          />
        </Card>
      </div>
    </Section>
  );
}
