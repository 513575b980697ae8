/**
 * Collects what arrives while a flush is under way and hands it over in one piece when that flush
 * has ended, so the size of a batch follows the load: one item when idle, hundreds under load. No
 * fixed window: waiting 2 ms for company costs an idle system 2 ms and buys a busy one nothing,
 * since the flush before (an fsync) is the window.
 *
 * States: idle -> (add) scheduled -> flushing -> flushing again if something arrived meanwhile, or
 * idle. The next flush starts before the last one's outcome is handed out: what callers do with it
 * takes as long as a flush, and the one who flushes would stand idle. The order of items is kept.
 */
export interface GroupCommit<T> {
  add(item: T): void;
  /** How many items wait for the next flush. */
  readonly waiting: number;
  /** Resolves when nothing waits and no flush is under way. */
  idle(): Promise<void>;
}

export function createGroupCommit<T>(options: {
  /** Resolves with what tells each item its outcome; must not reject. */
  flush: (items: T[]) => Promise<() => void>;
  /** A larger pile is cut, so that one commit stays short. */
  maxItems: number;
}): GroupCommit<T> {
  const pending: T[] = [];
  let busy = false;
  let idleWaiters: (() => void)[] = [];

  async function run(): Promise<void> {
    let settle = (): void => {};
    while (pending.length > 0) {
      const items = pending.splice(0, options.maxItems);
      const flushed = options.flush(items);
      settle();
      settle = await flushed;
      if (pending.length > 0) continue;
      settle();
      settle = () => {};
    }
    busy = false;
    const waiters = idleWaiters;
    idleWaiters = [];
    for (const wake of waiters) wake();
  }

  return {
    add(item) {
      pending.push(item);
      if (busy) return;
      busy = true;
      // One turn of the loop lets everything that is already readable join this first flush.
      setImmediate(run);
    },
    get waiting() {
      return pending.length;
    },
    idle() {
      if (!busy) return Promise.resolve();
      return new Promise((resolve) => idleWaiters.push(resolve));
    },
  };
}
