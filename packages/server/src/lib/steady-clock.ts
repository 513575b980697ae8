import { type Clock, systemClock } from './clock.ts';

/**
 * A clock that does not jump with the machine's: it began with the machine's time, goes on with its
 * monotonic clock, and is set right by somebody who knows better.
 */
export interface SteadyClock extends Clock {
  /**
   * The right time now is in this range: if the clock's is not, it is moved as far as it has to be.
   * Returns by how much, ms.
   */
  correct(range: { fromMs: number; toMs: number }): number;
}

export function createSteadyClock(
  machine: { wallMs: () => number; monotonicMs: () => number; after: Clock['after'] } = {
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after: systemClock.after,
  },
): SteadyClock {
  let offsetMs = machine.wallMs() - machine.monotonicMs();
  const now = (): number => Math.floor(machine.monotonicMs() + offsetMs);
  return {
    now,
    after: machine.after,
    correct({ fromMs, toMs }) {
      const nowMs = now();
      const movedMs = Math.min(Math.max(nowMs, fromMs), toMs) - nowMs;
      offsetMs += movedMs;
      return movedMs;
    },
  };
}
