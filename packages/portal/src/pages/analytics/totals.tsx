import type { ReactNode } from 'react';
import type { Stats, StatsTotals } from '../../api/objects.ts';
import { formatCount, formatShare, formatSpan } from '../../words/format.ts';
import { useLanguage } from '../../words/words.tsx';
import { CountLink, type Metric } from './count-link.tsx';
import type { StatsFilters } from './stats-filters.ts';

/** What is shown large, and of what it is a share. */
const SHOWN: readonly (readonly [Metric, keyof StatsTotals['rates'] | null])[] = [
  ['delivered', 'delivery'],
  ['bounced', 'bounce'],
  ['complained', 'complaint'],
  ['opened', 'open'],
  ['clicked', 'click'],
  ['unsubscribed', 'unsubscribe'],
  ['deferred', null],
];

/** The sums of the whole time, each with its share and what it was in the time before. */
export function Totals({
  stats,
  filters,
  isCompared,
}: {
  stats: Stats;
  filters: StatsFilters;
  isCompared: boolean;
}) {
  const { words, language } = useLanguage();
  const { analytics, mailStates } = words;
  const { totals, previous } = stats;
  const latency = totals.delivery_latency_ms.p50;
  const latencyBefore = previous?.totals.delivery_latency_ms.p50 ?? null;
  const span = (ms: number | null) => (ms === null ? '–' : formatSpan(ms, words));
  return (
    <>
      <dl className="mb-2 grid grid-cols-2 gap-3 sm:grid-cols-4">
        {SHOWN.map(([metric, rate]) => (
          <Total
            key={metric}
            name={mailStates[metric]}
            share={rate === null ? null : formatShare(totals.rates[rate], language)}
            before={
              previous === null
                ? null
                : describeBefore(totals[metric], previous.totals[metric], formatCount)
            }
          >
            <CountLink metric={metric} filters={filters} time={stats}>
              {formatCount(totals[metric], language)}
            </CountLink>
          </Total>
        ))}
        <Total
          name={analytics.latency}
          share={analytics.median}
          before={
            previous === null ? null : describeBefore(latency, latencyBefore, (ms) => span(ms))
          }
        >
          {span(latency)}
        </Total>
      </dl>
      {isCompared && (
        <p className="mb-6 text-[13px] text-muted">
          {previous === null ? analytics.notKept : analytics.comparedWith(describeTime(previous))}
        </p>
      )}
    </>
  );

  function describeBefore(
    now: number | null,
    before: number | null,
    format: (value: number, language: string) => string,
  ): string {
    if (before === null) return analytics.before('–');
    const shown = format(before, language);
    if (before === 0 || now === null) return analytics.before(shown);
    const change = new Intl.NumberFormat(language, {
      style: 'percent',
      maximumFractionDigits: 0,
      signDisplay: 'exceptZero',
    }).format(now / before - 1);
    return `${analytics.before(shown)} (${change})`;
  }

  function describeTime({ from, to }: { from: string; to: string }): string {
    return new Intl.DateTimeFormat(language, {
      dateStyle: 'medium',
      timeStyle: 'short',
    }).formatRange(new Date(from), new Date(to));
  }
}

function Total({
  name,
  share,
  before,
  children,
}: {
  name: string;
  share: string | null;
  before: string | null;
  children: ReactNode;
}) {
  return (
    <div className="rounded-md border border-line bg-surface p-3">
      <dt className="text-muted">{name}</dt>
      <dd>
        <span className="text-[22px] leading-tight font-semibold">{children}</span>
        {share !== null && <span className="ml-2 text-muted">{share}</span>}
        {before !== null && <span className="block text-[13px] text-muted">{before}</span>}
      </dd>
    </div>
  );
}
