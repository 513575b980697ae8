/**
 * Group commit with several flushes at once: each takes what has piled up, in order. While one flush
 * syncs its log the next can run, and a slow round trip holds up nobody else.
 *
 * Items with a key in common are never in two flushes at the same time, and keep their order: so what
 * comes one after the other from this node for one recipient, or for one line, is stored in that order,
 * and no connection waits for a lock that another one of this node holds.
 */
export interface FlushQueue<T> {
  add(item: T): void;
  /** Resolves when everything that was added before has been flushed. */
  settled(): Promise<void>;
  /** Takes out what waits for its turn. What is under way goes on. */
  takeWaiting(): T[];
}

export function createFlushQueue<T>(options: {
  /** Must not reject. */
  flush: (items: T[]) => Promise<void>;
  keysOf: (item: T) => readonly string[];
  /** How many flushes may run at once. */
  flushes: number;
  /** A larger pile is cut, so that one commit stays short. */
  maxItems: number;
}): FlushQueue<T> {
  const { flush, keysOf, flushes, maxItems } = options;
  let pending: Entry<T>[] = [];
  /** In the order in which they were added; the first is not over yet. */
  let unfinished: Entry<T>[] = [];
  const busyKeys = new Set<string>();
  const waiters: { entry: Entry<T>; resolve: () => void }[] = [];
  let running = 0;
  let scheduled = false;

  /** The first ones that are free to go; those that are not keep their place. */
  function takeBatch(): Entry<T>[] {
    const batch: Entry<T>[] = [];
    const kept: Entry<T>[] = [];
    const blocked = new Set<string>();
    let looked = 0;
    for (const entry of pending) {
      if (batch.length === maxItems || looked === maxItems * LOOK_AHEAD) break;
      looked += 1;
      if (entry.keys.some((key) => busyKeys.has(key) || blocked.has(key))) {
        for (const key of entry.keys) blocked.add(key);
        kept.push(entry);
      } else batch.push(entry);
    }
    pending = kept.concat(pending.slice(looked));
    for (const { keys } of batch) for (const key of keys) busyKeys.add(key);
    return batch;
  }

  function start(): void {
    scheduled = false;
    while (running < flushes && pending.length > 0) {
      const batch = takeBatch();
      if (batch.length === 0) return;
      running += 1;
      void run(batch);
    }
  }

  async function run(batch: Entry<T>[]): Promise<void> {
    await flush(batch.map(({ item }) => item));
    running -= 1;
    for (const entry of batch) {
      entry.isOver = true;
      for (const key of entry.keys) busyKeys.delete(key);
    }
    start();
    wakeWaiters();
  }

  function wakeWaiters(): void {
    const first = unfinished.findIndex(({ isOver }) => !isOver);
    unfinished = first === -1 ? [] : unfinished.slice(first);
    while (waiters[0]?.entry.isOver === true && !isBehindOpen(waiters[0].entry)) {
      waiters.shift()?.resolve();
    }
  }

  /** Whether something that was added before is not over. */
  const isBehindOpen = (entry: Entry<T>): boolean =>
    unfinished[0] !== undefined && unfinished[0].number < entry.number;

  let added = 0;
  return {
    add(item) {
      added += 1;
      const entry = { item, keys: keysOf(item), number: added, isOver: false };
      pending.push(entry);
      unfinished.push(entry);
      if (scheduled || running >= flushes) return;
      scheduled = true;
      // One turn of the loop lets everything that is already readable join this flush.
      setImmediate(start);
    },
    takeWaiting() {
      const taken = pending;
      pending = [];
      for (const entry of taken) entry.isOver = true;
      wakeWaiters();
      return taken.map(({ item }) => item);
    },
    settled() {
      const entry = unfinished.at(-1);
      if (entry === undefined) return Promise.resolve();
      return new Promise((resolve) => waiters.push({ entry, resolve }));
    },
  };
}

interface Entry<T> {
  item: T;
  keys: readonly string[];
  number: number;
  isOver: boolean;
}

/** How far behind blocked items it looks for others, in batches. */
const LOOK_AHEAD = 4;
