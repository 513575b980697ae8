import { createPrivateKey, type KeyObject } from 'node:crypto';

/** As many as Node's thread pool has threads, unless somebody sets it otherwise. */
const MAX_COPIES = 4;

/** Copies of one key, each of which signs one thing at a time. */
export interface KeyCopies {
  /** Runs `work` with a copy that nobody else uses meanwhile; waits for one where all are busy. */
  use<T>(work: (key: KeyObject) => Promise<T>): Promise<T>;
}

/**
 * Node holds a lock on a key for as long as a thread of its pool signs with it. So one key is used by one
 * thread at a time, and, worse, who asks for another signature waits for the lock on the main thread: 50
 * to 200 us a signature with RSA, where 3 are left with copies.
 */
export function createKeyCopies(key: KeyObject): KeyCopies {
  const free = [key];
  let made = 1;
  const waiting: ((key: KeyObject) => void)[] = [];

  function take(): KeyObject | Promise<KeyObject> {
    const found = free.pop();
    if (found !== undefined) return found;
    if (made >= MAX_COPIES) return new Promise((resolve) => waiting.push(resolve));
    made += 1;
    const der = key.export({ type: 'pkcs8', format: 'der' });
    return createPrivateKey({ key: der, type: 'pkcs8', format: 'der' });
  }

  return {
    async use(work) {
      const copy = await take();
      try {
        return await work(copy);
      } finally {
        const next = waiting.shift();
        if (next === undefined) free.push(copy);
        else next(copy);
      }
    },
  };
}
