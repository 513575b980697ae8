import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Stats } from '../../api/objects.ts';
import { statsQuery } from '../../api/queries.ts';
import { ChartCard, type ChartTime } from '../../design/charts/chart-card.tsx';
import type { ChartSeries } from '../../design/charts/chart-series.ts';
import { formatCount, formatShare, formatSpan } from '../../words/format.ts';
import { useLanguage } from '../../words/words.tsx';
import { CountLink, type Metric } from './count-link.tsx';
import { type StatsFilters, toStatsQuery } from './stats-filters.ts';

/** How the numbers of a time went, as lines, each with a table. */
export function MailCourses({ stats, filters }: { stats: Stats; filters: StatsFilters }) {
  const { words, language } = useLanguage();
  const { analytics, mailStates } = words;
  const time = useChartTime(stats);
  const before = useDeliveredBefore(stats, filters);
  const count = (value: number) => formatCount(value, language);
  const percent = (value: number) => formatShare(value, language);
  const span = (ms: number) => formatSpan(ms, words);
  const { totals, series } = stats;

  const line = (
    metric: Metric,
    colour: ChartSeries['colour'],
    style: NonNullable<ChartSeries['line']> = 'solid',
  ): ChartSeries => ({
    name: mailStates[metric],
    colour,
    line: style,
    values: series.map((one) => one[metric]),
  });

  const figures = (metrics: readonly Metric[]): ReactNode =>
    metrics.map((metric) => (
      <Figure key={metric} name={mailStates[metric]}>
        <CountLink metric={metric} filters={filters} time={stats}>
          {count(totals[metric])}
        </CountLink>
      </Figure>
    ));

  const { p50, p95 } = totals.delivery_latency_ms;
  return (
    <div className="mb-8 grid grid-cols-1 items-start gap-4 lg:grid-cols-2">
      <ChartCard
        {...time}
        title={words.overview.volume}
        figure={figures(['delivered', 'deferred', 'bounced'])}
        formatValue={count}
        series={[
          line('delivered', 'good'),
          line('deferred', 'warn', 'dotted'),
          line('bounced', 'bad', 'dashed'),
          ...(before === null
            ? []
            : [
                {
                  name: analytics.deliveredBefore,
                  colour: 'muted' as const,
                  line: 'dotted' as const,
                  values: before,
                },
              ]),
        ]}
      />
      <ChartCard
        {...time}
        title={analytics.latency}
        figure={
          <>
            <Figure name={analytics.median}>{p50 === null ? '–' : span(p50)}</Figure>
            <Figure name={analytics.p95}>{p95 === null ? '–' : span(p95)}</Figure>
          </>
        }
        formatValue={span}
        series={[
          {
            name: analytics.median,
            colour: 'accent',
            values: series.map((one) => one.delivery_latency_ms.p50),
          },
          {
            name: analytics.p95,
            colour: 'muted',
            line: 'dashed',
            values: series.map((one) => one.delivery_latency_ms.p95),
          },
        ]}
      />
      <ChartCard
        {...time}
        title={analytics.engagement}
        figure={
          <>
            {figures(['opened', 'clicked', 'unsubscribed'])}
            <p className="w-full text-[13px] text-muted">{analytics.engagementHelp}</p>
          </>
        }
        formatValue={count}
        series={[
          line('opened', 'engaged'),
          line('clicked', 'accent', 'dashed'),
          line('unsubscribed', 'complaint', 'dotted'),
        ]}
      />
      <ChartCard
        {...time}
        title={analytics.ratesTitle}
        figure={
          <>
            <Figure name={words.overview.bounceRate}>
              {formatShare(totals.rates.bounce, language)}
            </Figure>
            <Figure name={words.overview.complaintRate}>
              {formatShare(totals.rates.complaint, language)}
            </Figure>
          </>
        }
        formatValue={percent}
        series={[
          {
            name: words.overview.bounceRate,
            colour: 'bad',
            line: 'dashed',
            values: series.map(({ rates }) => rates.bounce),
          },
          {
            name: words.overview.complaintRate,
            colour: 'complaint',
            values: series.map(({ rates }) => rates.complaint),
          },
        ]}
      />
    </div>
  );
}

/** The times of a course, as charts have them. */
export function useChartTime({ series, interval }: Pick<Stats, 'series' | 'interval'>): ChartTime {
  const { language } = useLanguage();
  const isByDay = interval === 'day';
  const moment = new Intl.DateTimeFormat(
    language,
    isByDay ? { dateStyle: 'medium', timeZone: 'UTC' } : { dateStyle: 'short', timeStyle: 'short' },
  );
  return {
    times: series.map(({ start }) => Date.parse(start) / 1_000),
    formatTime: (seconds) => moment.format(seconds * 1_000),
    isByDay,
  };
}

/** What was delivered in the time before, bucket by bucket; null without a comparison. */
function useDeliveredBefore(stats: Stats, filters: StatsFilters): number[] | null {
  const { previous, interval } = stats;
  const { data, isPlaceholderData } = useQuery({
    ...statsQuery({ ...filters, before: previous?.from }, (nowMs) => ({
      ...toStatsQuery(filters, nowMs),
      since: previous?.from,
      until: previous?.to,
      interval,
    })),
    enabled: previous !== null,
  });
  if (previous === null || data === undefined || isPlaceholderData) return null;
  return data.series.map(({ delivered }) => delivered);
}

export function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <span>
      <span className="text-[20px] font-semibold">{children}</span>{' '}
      <span className="text-muted">{name}</span>
    </span>
  );
}
