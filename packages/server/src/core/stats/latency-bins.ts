/**
 * Times to delivery are kept as a histogram whose steps double, from an eighth of a second to 36 hours:
 * any number of them takes 22 counts, two histograms add up, and a percentile is right to within its step.
 */
const FIRST_BOUND_MS = 125;
const LAST_BIN = 21;

/** Null for what is no time: a clock that goes wrong, or none that is known. */
export function latencyBin(latencyMs: number): number | null {
  if (!(latencyMs >= 0)) return null;
  const bin = Math.ceil(Math.log2(Math.max(latencyMs, 1) / FIRST_BOUND_MS));
  return Math.min(Math.max(bin, 0), LAST_BIN);
}

/** `counts`: by bin. The time, ms, that this share of them stayed below; null when there are none. */
export function percentileOf(counts: ReadonlyMap<number, number>, share: number): number | null {
  const sum = [...counts.values()].reduce((total, count) => total + count, 0);
  if (sum <= 0) return null;
  let left = sum * share;
  for (let bin = 0; bin <= LAST_BIN; bin++) {
    const count = counts.get(bin) ?? 0;
    if (count > 0 && left <= count) {
      const low = bin === 0 ? 0 : FIRST_BOUND_MS * 2 ** (bin - 1);
      return Math.round(low + ((FIRST_BOUND_MS * 2 ** bin - low) * left) / count);
    }
    left -= count;
  }
  return FIRST_BOUND_MS * 2 ** LAST_BIN;
}
