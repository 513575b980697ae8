/** A rate limit: `ratePerSecond` on average, up to `capacity` at once. Time is an argument. */
export interface TokenBucket {
  /**
   * Takes `count` tokens if there is at least one: who takes more than there are pays for it by waiting
   * longer before the next. `limit`: how many there can be.
   */
  take(
    nowMs: number,
    count?: number,
  ): { allowed: boolean; limit: number; remaining: number; resetSeconds: number };
  /** Gives one back that was taken for nothing. */
  giveBack(): void;
}

export function createTokenBucket(options: {
  ratePerSecond: number;
  capacity: number;
}): TokenBucket {
  const { ratePerSecond, capacity } = options;
  let tokens = capacity;
  let lastMs: number | null = null;
  return {
    take(nowMs, count = 1) {
      // A clock that steps back refills nothing.
      const passedMs = Math.max(0, nowMs - (lastMs ?? nowMs));
      lastMs = Math.max(lastMs ?? nowMs, nowMs);
      tokens = Math.min(capacity, tokens + (passedMs * ratePerSecond) / 1_000);
      const allowed = tokens >= 1;
      if (allowed) tokens -= count;
      const resetSeconds = Math.ceil((allowed ? capacity - tokens : 1 - tokens) / ratePerSecond);
      return { allowed, limit: capacity, remaining: Math.max(0, Math.floor(tokens)), resetSeconds };
    },
    giveBack() {
      tokens = Math.min(capacity, tokens + 1);
    },
  };
}
