import { bucketStart, GRAIN_MS, GRAINS, type Grain, oldestKept } from './counts.ts';

/** More points than a chart has pixels would be of no use. */
export const MAX_POINTS = 1_500;
/** Below so many points, the finer interval is the better one to look at. */
const FINE_POINTS = 240;

export interface StatsWindow {
  grain: Grain;
  /** The first bucket begins here. */
  fromMs: number;
  /** The last one ends here. */
  toMs: number;
}

/**
 * Whole buckets around a time. Without a grain, the finest that is kept for all of it and fits. A sentence
 * where it cannot be had.
 */
export function toStatsWindow(
  asked: { fromMs: number; toMs: number; grain: Grain | null },
  nowMs: number,
): StatsWindow | { refused: string; pointer: '?since' | '?interval' } {
  const grain = asked.grain ?? fittingGrain(asked, nowMs);
  const step = GRAIN_MS[grain];
  const fromMs = bucketStart(grain, asked.fromMs);
  const toMs = bucketStart(grain, asked.toMs - 1) + step;
  if (fromMs < oldestKept(grain, nowMs)) {
    const oldest = new Date(oldestKept(grain, nowMs)).toISOString();
    const refused = `Sums by ${grain} are kept since ${oldest}. Ask from then on${grain === 'day' ? '' : ', or for a longer interval'}.`;
    return { refused, pointer: '?since' };
  }
  if ((toMs - fromMs) / step > MAX_POINTS) {
    const refused = `That would be more than ${MAX_POINTS} points. Ask for a shorter time${grain === 'day' ? '' : ', or for a longer interval'}.`;
    return { refused, pointer: '?interval' };
  }
  return { grain, fromMs, toMs };
}

function fittingGrain({ fromMs, toMs }: { fromMs: number; toMs: number }, nowMs: number): Grain {
  const fits = (grain: Grain): boolean =>
    (toMs - fromMs) / GRAIN_MS[grain] <= FINE_POINTS &&
    bucketStart(grain, fromMs) >= oldestKept(grain, nowMs);
  return GRAINS.find(fits) ?? 'day';
}

/** The time of the same length just before; null when its buckets are not kept any more. */
export function windowBefore(window: StatsWindow, nowMs: number): StatsWindow | null {
  const fromMs = window.fromMs - (window.toMs - window.fromMs);
  if (fromMs < oldestKept(window.grain, nowMs)) return null;
  return { grain: window.grain, fromMs, toMs: window.fromMs };
}
