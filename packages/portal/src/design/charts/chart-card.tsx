import { lazy, type ReactNode, Suspense, useState } from 'react';
import { useLanguage } from '../../words/words.tsx';
import { NumberTable } from '../lists/number-table.tsx';
import { Card } from '../page.tsx';
import { type ChartColour, type ChartSeries, DASHES } from './chart-series.ts';

/** With the library that draws: only pages with a chart load it, and nothing waits for it. */
const LineChart = lazy(() =>
  import('./line-chart.tsx').then((one) => ({ default: one.LineChart })),
);

/** As LineChart draws them, by name: the classes of theme.css. */
const INK: Record<ChartColour, string> = {
  good: 'text-good',
  bad: 'text-bad',
  warn: 'text-warn',
  complaint: 'text-complaint',
  engaged: 'text-engaged',
  accent: 'text-accent',
  muted: 'text-muted',
};

export interface ChartTime {
  /** Seconds since the epoch. */
  times: readonly number[];
  formatTime: (seconds: number) => string;
  /** Its steps are days of UTC, and no hours of where one is. */
  isByDay?: boolean;
}

/** A number with what leads to it, its course as lines, and the same as a table to unfold. */
export function ChartCard({
  title,
  figure,
  times,
  series,
  formatValue,
  formatTime,
  isByDay = false,
}: ChartTime & {
  title: string;
  /** The numbers above the lines, each a link to what it counts. */
  figure: ReactNode;
  series: readonly ChartSeries[];
  formatValue: (value: number) => string;
}) {
  const { words, language } = useLanguage();
  const [point, setPoint] = useState<number | null>(null);
  const valueAt = (values: ChartSeries['values'], i: number): string => {
    const value = values[i];
    return value === null || value === undefined ? '' : formatValue(value);
  };
  const pointed = point === null ? undefined : times[point];
  return (
    <Card className="flex min-w-0 flex-col p-4">
      <h2 className="text-[15px] font-semibold">{title}</h2>
      <div className="mt-1 mb-2 flex flex-wrap content-start gap-x-5 gap-y-1 lg:min-h-16">
        {figure}
      </div>
      <div className="h-[140px]">
        <Suspense fallback={null}>
          <LineChart
            times={times}
            series={series}
            formatValue={formatValue}
            language={language}
            isByDay={isByDay}
            point={setPoint}
          />
        </Suspense>
      </div>
      <ul
        aria-hidden="true"
        className="mt-2 flex min-h-5 flex-wrap gap-x-4 gap-y-1 text-[13px] text-muted"
      >
        {pointed !== undefined && <li className="text-ink">{formatTime(pointed)}</li>}
        {series.map(({ name, colour, line = 'solid', values }) => (
          <li key={name} className="flex items-center gap-1.5">
            <svg viewBox="0 0 20 2" className={`h-0.5 w-5 ${INK[colour]}`} aria-hidden="true">
              <line
                x2="20"
                y1="1"
                y2="1"
                stroke="currentColor"
                strokeWidth="2"
                strokeDasharray={DASHES[line].join(' ')}
              />
            </svg>
            {name}
            {point !== null && <span className="text-ink">{valueAt(values, point)}</span>}
          </li>
        ))}
      </ul>
      <details className="mt-2 text-[13px]">
        <summary className="text-muted">
          {words.common.asTable}
          <span className="sr-only">: {title}</span>
        </summary>
        <NumberTable
          label={title}
          className="mt-2 max-h-64"
          rows={times.map((at, i) => ({ at, i }))}
          keyOf={({ at }) => String(at)}
          columns={[
            {
              name: words.events.when,
              value: ({ at }) => at,
              cell: ({ at }) => <span className="text-muted">{formatTime(at)}</span>,
              isText: true,
            },
            ...series.map(({ name, values }) => ({
              name,
              value: ({ i }: { i: number }) => values[i] ?? null,
              cell: ({ i }: { i: number }) => valueAt(values, i),
            })),
          ]}
        />
      </details>
    </Card>
  );
}
