import { lazy, type ReactNode, Suspense } from 'react';
import { useLanguage } from '../../words/words.tsx';
import { Card } from '../page.tsx';
import type { ChartSeries } from './line-chart.tsx';

/** With the library that draws: only pages with a chart load it, and nothing waits for it. */
const LineChart = lazy(() =>
  import('./line-chart.tsx').then((one) => ({ default: one.LineChart })),
);

/** As LineChart draws them, by name: the classes of theme.css. */
const INK: Record<ChartSeries['colour'], string> = {
  good: 'bg-good',
  bad: 'bg-bad',
  warn: 'bg-warn',
  complaint: 'bg-complaint',
  engaged: 'bg-engaged',
  accent: 'bg-accent',
  muted: 'bg-muted',
};

/** A number with what leads to it, its course as lines, and the same as a table to unfold. */
export function ChartCard({
  title,
  figure,
  times,
  series,
  formatValue,
  formatTime,
}: {
  title: string;
  /** The numbers above the lines, each a link to what it counts. */
  figure: ReactNode;
  /** Seconds since the epoch. */
  times: readonly number[];
  series: readonly ChartSeries[];
  formatValue: (value: number) => string;
  formatTime: (seconds: number) => string;
}) {
  const { words, language } = useLanguage();
  return (
    <Card className="flex min-w-0 flex-col p-4">
      <h2 className="text-[15px] font-semibold">{title}</h2>
      <div className="mt-1 mb-2 flex flex-wrap content-start gap-x-5 gap-y-1 lg:min-h-16">
        {figure}
      </div>
      <div className="h-[140px]">
        <Suspense fallback={null}>
          <LineChart times={times} series={series} formatValue={formatValue} language={language} />
        </Suspense>
      </div>
      <ul aria-hidden="true" className="mt-2 flex flex-wrap gap-x-4 gap-y-1 text-[13px] text-muted">
        {series.map(({ name, colour }) => (
          <li key={name} className="flex items-center gap-1.5">
            <span className={`h-0.5 w-3 ${INK[colour]}`} />
            {name}
          </li>
        ))}
      </ul>
      <details className="mt-2 text-[13px]">
        <summary className="text-muted">
          {words.common.asTable}
          <span className="sr-only">: {title}</span>
        </summary>
        {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it. */}
        <section tabIndex={0} aria-label={title} className="mt-2 max-h-64 overflow-auto">
          <table className="w-full text-right">
            <thead>
              <tr>
                <th scope="col" className="text-left font-medium">
                  {words.events.when}
                </th>
                {series.map(({ name }) => (
                  <th key={name} scope="col" className="pl-4 font-medium">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {times.map((at, i) => (
                <tr key={at} className="border-t border-line">
                  <th scope="row" className="text-left font-normal whitespace-nowrap text-muted">
                    {formatTime(at)}
                  </th>
                  {series.map(({ name, values }) => (
                    <td key={name} className="pl-4">
                      {values[i] === null || values[i] === undefined ? '' : formatValue(values[i])}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
        {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex: as above. */}
      </details>
    </Card>
  );
}
