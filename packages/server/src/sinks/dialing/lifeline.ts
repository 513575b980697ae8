import type { Clock } from '../../lib/clock.ts';
import { SinkTrouble } from '../contract.ts';

/** How long a server may take to say goodbye, ms. */
const GOODBYE_MS = 1_000;

/**
 * Ends what waits on a connection: clients of queues leave an answer open for ever when the connection
 * breaks, or when the server has nothing to say.
 */
export interface Lifeline {
  /** Nothing will be answered any more, from now on. The first reason stands. */
  cut(reason: SinkTrouble): void;
  /**
   * Does some work for which a part of the answers may never come. `stopped` rejects with SinkTrouble:
   * what it was cut with, or `timeout` after the signal.
   */
  during<T>(signal: AbortSignal, work: (stopped: Promise<never>) => Promise<T>): Promise<T>;
}

/** `where` is for people: "queue.example.com:5672". */
export function createLifeline(where: string): Lifeline {
  let end: SinkTrouble | null = null;
  const waiting = new Set<(reason: SinkTrouble) => void>();
  return {
    cut(reason) {
      // Who is refused is put aside, and a connection that ends says of nobody in particular that he is.
      const isOfAll = reason.code !== 'refused';
      end ??= isOfAll ? reason : new SinkTrouble('unavailable', reason.message, { cause: reason });
      for (const stop of waiting) stop(end);
    },
    async during(signal, work) {
      const { promise: stopped, reject: stop } = Promise.withResolvers<never>();
      // Who does not wait at that moment need not hear of it.
      stopped.catch(() => {});
      const late = () => stop(new SinkTrouble('timeout', `${where} did not answer in time.`));
      if (end !== null) stop(end);
      if (signal.aborted) late();
      waiting.add(stop);
      signal.addEventListener('abort', late, { once: true });
      try {
        return await work(stopped);
      } finally {
        waiting.delete(stop);
        signal.removeEventListener('abort', late);
      }
    },
  };
}

/** Closes as it should be; and, when nobody answers to that, all the same. */
export async function closeSoon(
  close: Promise<unknown>,
  destroy: () => void,
  clock: Pick<Clock, 'after'>,
): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(GOODBYE_MS, resolve);
  try {
    await Promise.race([close, late]);
  } catch {
    // It was broken already.
  } finally {
    cancel();
    destroy();
  }
}
