/** How the sample receiver fails: 500, 503 with Retry-After, or a connection that closes. */
export type Fault = 'error' | 'busy' | 'hang-up';

/** First attempts that fail: about one in four. */
const SHARE = 0.25;

/** The first four, so that even a short run shows each kind of failure. */
const OPENING: readonly (Fault | null)[] = [null, 'error', 'busy', 'hang-up'];

/** For each first attempt in turn: how it fails, or `null`. The same for the same seed. */
export function createFaultPlan(seed: number): () => Fault | null {
  let state = seed >>> 0;
  let calls = 0;

  /** mulberry32 (Tommy Ettinger, public domain): small, and good enough to fail by. */
  function random(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  return () => {
    const opening = OPENING[calls];
    calls += 1;
    if (opening !== undefined) return opening;
    if (random() >= SHARE) return null;
    const kind = random();
    return kind < 0.6 ? 'error' : kind < 0.9 ? 'busy' : 'hang-up';
  };
}
