import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

/** Buckets that are remembered; whoever comes from many addresses must not fill the memory. */
const MAX_BUCKETS = 10_000;

/** A rate limit for each key: `capacity` within `seconds`, and as many at once. */
export function createKeyedBuckets(limit: {
  capacity: number;
  seconds: number;
}): (key: string) => TokenBucket {
  const { capacity, seconds } = limit;
  const buckets = new Map<string, TokenBucket>();
  return (key) => {
    const known = buckets.get(key);
    if (known !== undefined) return known;
    if (buckets.size >= MAX_BUCKETS) buckets.clear();
    const made = createTokenBucket({ ratePerSecond: capacity / seconds, capacity });
    buckets.set(key, made);
    return made;
  };
}
