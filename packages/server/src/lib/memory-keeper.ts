import { performance } from 'node:perf_hooks';

/** What a process says of itself. */
export interface MemoryGauges {
  /** How long its event loop was active and idle since its start, ms: performance.eventLoopUtilization. */
  use(): { active: number; idle: number };
  /** Its resident memory, bytes. */
  residentBytes(): number;
}

/** Less active than that, it has nothing to do. */
const QUIET = 0.1;
/** For so many looks in a row: a rush has pauses. */
const QUIET_LOOKS = 2;
/** Less is not worth a collection, bytes. */
const GROWN_BYTES = 32 * 2 ** 20;

/**
 * V8 keeps the heap that a rush took, and what is garbage in it, until the next rush: a process that has nothing to do
 * allocates nothing, and so collects nothing. This has it collect everything once when a rush is over, so that what
 * only waits (a backlog, for days perhaps) costs no memory. It takes a moment without work:
 * 120 ms where it was measured, beside other work, and more with a larger heap.
 *
 * @param collect collects the garbage and lets go of the memory
 * @returns looks at the process; to be called about once a second
 */
export function createMemoryKeeper(
  collect: () => void,
  { use, residentBytes }: MemoryGauges = GAUGES,
): () => void {
  let last = use();
  let kept = residentBytes();
  let quietLooks = 0;
  return () => {
    const now = use();
    const active = now.active - last.active;
    const isQuiet = active < QUIET * (active + now.idle - last.idle);
    last = now;
    quietLooks = isQuiet ? quietLooks + 1 : 0;
    if (quietLooks !== QUIET_LOOKS) return;
    const resident = residentBytes();
    // Smaller by itself: what it grows by counts from there.
    if (resident < kept) kept = resident;
    if (resident - kept < GROWN_BYTES) return;
    collect();
    kept = residentBytes();
    // A collection is work as well.
    last = use();
  };
}

const GAUGES: MemoryGauges = {
  use: () => performance.eventLoopUtilization(),
  residentBytes: () => process.memoryUsage.rss(),
};
