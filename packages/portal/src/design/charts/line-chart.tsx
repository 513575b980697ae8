import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useTheme } from '../theme.ts';

/** A token of theme.css. */
export type ChartColour = 'good' | 'bad' | 'warn' | 'complaint' | 'engaged' | 'accent' | 'muted';

export interface ChartSeries {
  name: string;
  colour: ChartColour;
  /** One for each time; null where there is nothing to say. */
  values: readonly (number | null)[];
  /** Not measured, but held against: a threshold. */
  isDashed?: boolean;
}

const HEIGHT_PX = 140;
const AXIS_PX = 44;
const FEW = 3;

/**
 * Thin lines over time, drawn on a canvas. It says nothing to a screen reader: ChartCard puts its numbers in a
 * table beside it.
 */
export function LineChart({
  times,
  series,
  formatValue,
  language,
}: {
  /** Seconds since the epoch. */
  times: readonly number[];
  series: readonly ChartSeries[];
  formatValue: (value: number) => string;
  language: string;
}) {
  const holder = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const drawn = useRef<uPlot>(undefined);
  const data = toData(times, series);
  const latest = useRef(data);
  latest.current = data;
  const shape = JSON.stringify(
    series.map(({ values, ...rest }) => [rest, values.filter((one) => one !== null).length < FEW]),
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read again when the theme changes.
  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const plot = new uPlot(
      toOptions({ series, formatValue, language, width: element.clientWidth }),
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
  }, [shape, theme, language]);

  useEffect(() => {
    drawn.current?.setData(latest.current);
  });

  return <div ref={holder} aria-hidden="true" className="w-full overflow-hidden" />;
}

function toData(times: readonly number[], series: readonly ChartSeries[]): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])];
}

function readToken(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function toOptions(given: {
  series: readonly ChartSeries[];
  formatValue: (value: number) => string;
  language: string;
  width: number;
}): uPlot.Options {
  const axis = {
    stroke: readToken('muted'),
    grid: { stroke: readToken('line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  };
  const clock = new Intl.DateTimeFormat(given.language, { hour: '2-digit', minute: '2-digit' });
  const day = new Intl.DateTimeFormat(given.language, { weekday: 'short', day: 'numeric' });
  const DAY_S = 86_400;
  return {
    width: given.width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
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
        values: (_, ticks) => ticks.map((value) => given.formatValue(value)),
      },
    ],
    series: [
      {},
      ...given.series.map(({ name, colour, isDashed, values }) => ({
        label: name,
        stroke: readToken(colour),
        width: 1.5,
        // A single one would be no line at all.
        points: { show: values.filter((value) => value !== null).length < FEW, size: 6 },
        ...(isDashed === true ? { dash: [4, 4] } : {}),
      })),
    ],
  };
}
