import type { Clock } from '../../../lib/clock.ts';
import type { Random } from '../random.ts';

/**
 * The time of a simulated world, and everything that is going to happen in it. Steps that fall on the
 * same millisecond come in the order that the seed draws.
 */
export interface VirtualTime {
  /** Since the world began, ms. It goes on steadily, as timers do. */
  elapsedMs(): number;
  /** What the machine's clock shows. Somebody may set it. */
  wallMs(): number;
  /** Sets the machine's clock forward, or back. No timer hears of it. */
  jump(byMs: number): void;
  /** The latest that the machine's clock has shown since then. */
  wallPeakMs(sinceElapsedMs: number): number;
  readonly jumps: number;
  /** Plans a step; the returned function cancels it. */
  at(delayMs: number, step: () => void | Promise<void>): () => void;
  /** How long nothing is going to happen; null when nothing ever will. */
  gapMs(): number | null;
  /** Goes on to the next step, takes it and lets every promise settle that it set off. */
  next(): Promise<void>;
}

/** A process of the simulated machine. When it is dead, nothing of it happens any more. */
export interface Process {
  name: string;
  node: string;
  alive: boolean;
}

interface Step {
  atMs: number;
  /** Decides between steps of the same millisecond. */
  lot: number;
  run: (() => void | Promise<void>) | null;
}

export function createVirtualTime(startMs: number, random: Random): VirtualTime {
  let elapsed = 0;
  const offsets = [{ fromMs: 0, offsetMs: startMs }];
  const steps = createHeap();

  function dropCanceled(): void {
    while (steps.first()?.run === null) steps.pop();
  }

  const offsetNow = (): number => offsets.at(-1)?.offsetMs ?? startMs;

  return {
    elapsedMs: () => elapsed,
    wallMs: () => elapsed + offsetNow(),
    jump(byMs) {
      offsets.push({ fromMs: elapsed, offsetMs: offsetNow() + byMs });
    },
    wallPeakMs(sinceElapsedMs) {
      let peakMs = elapsed + offsetNow();
      offsets.forEach(({ offsetMs }, i) => {
        const untilMs = offsets[i + 1]?.fromMs ?? elapsed;
        if (untilMs >= sinceElapsedMs) peakMs = Math.max(peakMs, untilMs + offsetMs);
      });
      return peakMs;
    },
    get jumps() {
      return offsets.length - 1;
    },
    at(delayMs, run) {
      const step: Step = { atMs: elapsed + Math.max(0, delayMs), lot: random.next(), run };
      steps.push(step);
      return () => {
        step.run = null;
      };
    },
    gapMs() {
      dropCanceled();
      const first = steps.first();
      return first === undefined ? null : first.atMs - elapsed;
    },
    async next() {
      dropCanceled();
      const step = steps.pop();
      if (step === undefined) return;
      elapsed = step.atMs;
      await step.run?.();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** The clock that a process is given. */
export function createProcessClock(time: VirtualTime, process: Process): Clock {
  return {
    now: time.wallMs,
    after: (delayMs, action) =>
      time.at(Math.ceil(delayMs), () => {
        if (process.alive) action();
      }),
  };
}

/** A binary heap: the earliest first. */
function createHeap() {
  const items: Step[] = [];
  const isBefore = (a: Step, b: Step): boolean =>
    a.atMs === b.atMs ? a.lot < b.lot : a.atMs < b.atMs;

  function rise(step: Step): void {
    let at = items.length - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = items[above];
      if (parent === undefined || !isBefore(step, parent)) break;
      items[at] = parent;
      at = above;
    }
    items[at] = step;
  }

  function sink(step: Step): void {
    let at = 0;
    for (;;) {
      const [left, right] = [items[2 * at + 1], items[2 * at + 2]];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (child === undefined || !isBefore(child, step)) break;
      items[at] = child;
      at = 2 * at + (isRight ? 2 : 1);
    }
    items[at] = step;
  }

  return {
    first: (): Step | undefined => items[0],
    push(step: Step): void {
      items.push(step);
      rise(step);
    },
    pop(): Step | undefined {
      const first = items[0];
      const last = items.pop();
      if (last !== undefined && items.length > 0) sink(last);
      return first;
    },
  };
}
