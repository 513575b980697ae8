import type { Clock } from '../lib/clock.ts';

/** Rounds of work, one after the other, never two at once. */
export interface Rounds {
  /** The first begins after `delayMs`. */
  start(delayMs: number): void;
  /** The next one begins now, or when the one under way and its gap are over. */
  wake(): void;
  stop(): void;
}

/**
 * `work` never rejects, and resolves to when the next round is due by itself, and how long the next one
 * has to wait even when it is called for, both in ms.
 */
export function createRounds(options: {
  work: () => Promise<{ waitMs: number; gapMs: number }>;
  clock: Clock;
}): Rounds {
  const { clock } = options;
  let cancel = (): void => {};
  let phase: 'stopped' | 'working' | 'gap' | 'waiting' = 'stopped';
  let isCalled = false;

  async function round(): Promise<void> {
    phase = 'working';
    isCalled = false;
    const { waitMs, gapMs } = await options.work();
    // It may have been stopped meanwhile.
    if ((phase as string) === 'stopped') return;
    phase = 'gap';
    cancel = clock.after(gapMs, () => {
      if (isCalled) return void round();
      phase = 'waiting';
      cancel = clock.after(Math.max(0, waitMs - gapMs), () => void round());
    });
  }

  return {
    start(delayMs) {
      phase = 'waiting';
      cancel = clock.after(delayMs, () => void round());
    },
    wake() {
      if (phase !== 'waiting') {
        isCalled = true;
        return;
      }
      cancel();
      void round();
    },
    stop() {
      phase = 'stopped';
      cancel();
    },
  };
}
