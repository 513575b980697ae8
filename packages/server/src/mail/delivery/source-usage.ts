import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { SourceUsage } from '../../smtp/client/source-addresses.ts';
import type { SourceCounts } from '../../store/mail/source-counts.ts';

/** Counts of today in memory, written down now and then. */
export interface KeptUsage extends SourceUsage {
  /** Reads what was sent today before a restart. */
  load(addresses: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** A crash forgets what was sent in this time; a write for each message would cost a commit each. */
const SAVE_MS = 5_000;

export function createSourceUsage(options: {
  counts: SourceCounts;
  clock: Clock;
  log: Log;
}): KeptUsage {
  const { counts, clock, log } = options;
  const sent = new Map<string, { day: string; count: number; isSaved: boolean }>();
  let cancelTimer: (() => void) | null = null;

  const today = (): string => new Date(clock.now()).toISOString().slice(0, 10);

  function countOf(address: string): number {
    const known = sent.get(address);
    return known?.day === today() ? known.count : 0;
  }

  async function save(): Promise<void> {
    cancelTimer = null;
    for (const [address, one] of sent) {
      if (one.isSaved) continue;
      one.isSaved = true;
      try {
        await counts.save(address, one.day, one.count);
      } catch (error) {
        one.isSaved = false;
        cancelTimer ??= clock.after(SAVE_MS, () => void save());
        log.warn(
          { address, error: messageOf(error) },
          'A count of the warm-up could not be stored',
        );
      }
    }
  }

  return {
    sentToday: countOf,
    add(address, count) {
      sent.set(address, { day: today(), count: countOf(address) + count, isSaved: false });
      cancelTimer ??= clock.after(SAVE_MS, () => void save());
    },
    async load(addresses) {
      for (const address of addresses) {
        const day = today();
        const count = await counts.load(address, day);
        if (count !== null) sent.set(address, { day, count, isSaved: true });
      }
    },
    async stop() {
      cancelTimer?.();
      await save();
      cancelTimer?.();
    },
  };
}
