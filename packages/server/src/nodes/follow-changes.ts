import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Change, Changes } from '../store/changes.ts';
import { createRounds } from './rounds.ts';

/**
 * Tells this node what others have changed of the things that it keeps in memory. Positions are given
 * when a change is written and seen when it is committed, so a later one may be seen first: each look
 * goes back LOOK_BACK positions and passes over what it has told already.
 */
export function followChanges(options: {
  changes: Pick<Changes, 'latest' | 'after'>;
  clock: Clock;
  log: Log;
  apply: (change: Change) => Promise<void>;
}): { start(): Promise<void>; wake(): void; stop(): void } {
  const { changes, clock, log } = options;
  let last = 0;
  let told = new Set<number>();
  const rounds = createRounds({ work: look, clock });

  async function look(): Promise<{ waitMs: number; gapMs: number }> {
    try {
      for (const change of await changes.after(last - LOOK_BACK)) {
        if (told.has(change.position)) continue;
        await options.apply(change);
        told.add(change.position);
        last = Math.max(last, change.position);
      }
      told = new Set([...told].filter((position) => position > last - LOOK_BACK));
    } catch (error) {
      log.warn(
        { error: messageOf(error) },
        'Changes of other nodes could not be read; trying again',
      );
    }
    return { waitMs: EVERY_MS, gapMs: GAP_MS };
  }

  return {
    /** Before what is kept in memory is loaded: what changes afterwards will be told. */
    async start() {
      last = await changes.latest();
      told = new Set((await changes.after(last - LOOK_BACK)).map(({ position }) => position));
      rounds.start(EVERY_MS);
    },
    /** There are some. */
    wake: rounds.wake,
    stop: rounds.stop,
  };
}

const EVERY_MS = 500;
/** However many changes are called out, this many looks a second are enough. */
const GAP_MS = 20;
const LOOK_BACK = 200;
