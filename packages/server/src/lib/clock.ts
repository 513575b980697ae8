/** Time as an argument: everything that waits or stamps takes a clock, so tests turn it by hand. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `action` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, action: () => void): () => void;
}

/** setTimeout fires at once beyond this (2^31-1 ms); a longer wait is cut and taken up again. */
const MAX_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, action) {
    if (delayMs <= MAX_TIMER_MS) {
      const usual = setTimeout(action, Math.max(delayMs, 0));
      return () => clearTimeout(usual);
    }
    let timer: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      const stepMs = Math.min(Math.max(leftMs, 0), MAX_TIMER_MS);
      timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : action()), stepMs);
    };
    arm(delayMs);
    return () => clearTimeout(timer);
  },
};

/** What was asked for last: a batch of events is stamped with one time, again and again. */
let lastMs = Number.NaN;
let lastText = '';

/** RFC 3339 in UTC with milliseconds. */
export function toTimestamp(ms: number): string {
  if (ms === lastMs) return lastText;
  lastText = new Date(ms).toISOString();
  lastMs = ms;
  return lastText;
}
