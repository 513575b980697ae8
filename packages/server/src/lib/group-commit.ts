/**
 * Collects what arrives while a flush is under way and hands it over in one piece when that flush
 * has ended, so the size of a batch follows the load: one item when idle, hundreds under load. No
 * fixed window: waiting 2 ms for company costs an idle system 2 ms and buys a busy one nothing,
 * since the flush before (an fsync) is the window.
 *
 * States: idle -> (add) scheduled -> (microtasks drained) flushing -> idle, or scheduled again if
 * something arrived meanwhile. The order of items is kept.
 */
export interface GroupCommit<T> {
  add(item: T): void;
  /** How many items wait for the next flush. */
  readonly waiting: number;
  /** Resolves when nothing waits and no flush is under way. */
  idle(): Promise<void>;
}

export function createGroupCommit<T>(options: {
  /** Must settle each item itself, and must not reject. */
  flush: (items: T[]) => Promise<void>;
  /** A larger pile is cut, so that one commit stays short. */
  maxItems: number;
}): GroupCommit<T> {
  let pending: T[] = [];
  let busy = false;
  let idleWaiters: (() => void)[] = [];

  async function run(): Promise<void> {
    while (pending.length > 0) {
      const items =
        pending.length > options.maxItems ? pending.splice(0, options.maxItems) : pending;
      if (items === pending) pending = [];
      await options.flush(items);
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
