const BARS = '▁▂▃▄▅▆▇█';

/** One character a value, or for several that stand together, up to `width` of them. */
export function sparkline(values: readonly number[], width: number): string {
  const each = Math.max(Math.ceil(values.length / Math.max(width, 1)), 1);
  const sums: number[] = [];
  for (let i = 0; i < values.length; i += each) {
    sums.push(values.slice(i, i + each).reduce((sum, value) => sum + value, 0));
  }
  const highest = Math.max(...sums, 1);
  // What is not zero is seen to be more than that.
  const bar = (sum: number): number =>
    sum <= 0 ? 0 : Math.max(Math.round((sum / highest) * (BARS.length - 1)), 1);
  return sums.map((sum) => BARS[bar(sum)]).join('');
}
