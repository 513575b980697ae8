import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useTheme } from '../theme.ts';
import { type ChartSeries, DASHES } from './chart-series.ts';

const HEIGHT_PX = 140;
const AXIS_PX = 44;
/** 1, 2, 5, 10, 20, 50 and so on. */
const WHOLE_STEPS = Array.from({ length: 9 }, (_, zeros) => 10 ** zeros).flatMap((ten) => [
  ten,
  2 * ten,
  5 * ten,
]);

/**
 * Thin lines over time, drawn on a canvas. It says nothing to a screen reader: ChartCard puts its numbers in a
 * table beside it.
 */
export function LineChart({
  times,
  series,
  formatValue,
  language,
  isByDay,
  point,
}: {
  /** Seconds since the epoch. */
  times: readonly number[];
  series: readonly ChartSeries[];
  formatValue: (value: number) => string;
  language: string;
  isByDay: boolean;
  /** Told which of the times the pointer is at; null when it has left. */
  point: (index: number | null) => void;
}) {
  const holder = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const drawn = useRef<uPlot>(undefined);
  const data = toData(times, series);
  const latest = useRef(data);
  latest.current = data;
  const shape = JSON.stringify(
    series.map((one) => {
      const { values: _, ...rest } = one;
      return [rest, isWhole(one)];
    }),
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read again when the theme changes.
  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const plot = new uPlot(
      toOptions({ series, formatValue, language, isByDay, point, width: element.clientWidth }),
      latest.current,
      element,
    );
    drawn.current = plot;
    const observer = new ResizeObserver(() =>
      plot.setSize({ width: element.clientWidth, height: HEIGHT_PX }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
      drawn.current = undefined;
    };
  }, [shape, theme, language, isByDay]);

  useEffect(() => {
    drawn.current?.setData(latest.current);
  });

  return <div ref={holder} aria-hidden="true" className="w-full overflow-hidden" />;
}

function toData(times: readonly number[], series: readonly ChartSeries[]): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])];
}

/** Half a message is none: its axis has whole steps. */
function isWhole({ values }: ChartSeries): boolean {
  return values.every((value) => value === null || Number.isInteger(value));
}

/** Where values stand with nothing before and nothing behind them. */
function findLone(values: uPlot.AlignedData[number] | undefined): number[] {
  const isThere = (i: number): boolean => values?.[i] != null;
  return Array.from(values ?? [], (_, i) => i).filter(
    (i) => isThere(i) && !isThere(i - 1) && !isThere(i + 1),
  );
}

function readToken(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function toOptions(given: {
  series: readonly ChartSeries[];
  formatValue: (value: number) => string;
  language: string;
  isByDay: boolean;
  point: (index: number | null) => void;
  width: number;
}): uPlot.Options {
  const axis = {
    stroke: readToken('muted'),
    grid: { stroke: readToken('line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  };
  const clock = new Intl.DateTimeFormat(given.language, { hour: 'numeric', minute: '2-digit' });
  const day = new Intl.DateTimeFormat(given.language, {
    ...(given.isByDay
      ? { month: 'short', day: 'numeric', timeZone: 'UTC' }
      : { weekday: 'short', day: 'numeric' }),
  });
  const DAY_S = 86_400;
  return {
    width: given.width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { y: false, drag: { setScale: false, x: false }, points: { show: false } },
    hooks: { setCursor: [({ cursor }) => given.point(cursor.idx ?? null)] },
    // Days are of UTC: their ticks are too.
    ...(given.isByDay
      ? { tzDate: (at: number) => uPlot.tzDate(new Date(at * 1_000), 'Etc/UTC') }
      : {}),
    // The last time is written below the right end.
    padding: [8, 26, 0, 0],
    scales: { y: { range: (_, _min, max) => [0, Math.max(max, Number.MIN_VALUE) * 1.1] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 28,
        space: 70,
        values: (_, ticks, _i, _space, step) =>
          ticks.map((at) => (step >= DAY_S ? day : clock).format(at * 1_000)),
      },
      {
        ...axis,
        size: AXIS_PX,
        ...(given.series.every(isWhole) ? { incrs: WHOLE_STEPS } : {}),
        values: (_, ticks) => ticks.map((value) => given.formatValue(value)),
      },
    ],
    series: [
      {},
      ...given.series.map(({ name, colour, line = 'solid' }) => ({
        label: name,
        stroke: readToken(colour),
        width: 1.5,
        // Alone between gaps, a value would be no line at all.
        points: {
          show: false,
          size: 5,
          filter: ({ data }: uPlot, at: number) => findLone(data[at]),
        },
        dash: [...DASHES[line]],
      })),
    ],
  };
}
