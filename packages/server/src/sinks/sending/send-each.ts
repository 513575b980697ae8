import type { SinkTroubleCode } from '../../core/sink.ts';
import type { Clock } from '../../lib/clock.ts';
import { type ItemRefusal, type SinkItem, SinkTrouble } from '../contract.ts';
import { pause } from './pause.ts';

/** Why one item of a request was not taken, while others were. */
export interface ItemFault {
  code: SinkTroubleCode;
  detail: string;
}

/** So many requests at most for the same item, before the whole lane waits. */
const MAX_TRIES = 4;
/** Doubles with each try, ms. Kinesis counts what a shard takes by the second. */
const FIRST_PAUSE_MS = 200;

/**
 * For destinations that answer for each item of a request. What is throttled is sent again by itself, so
 * that what was taken beside it does not come twice; what is refused is put aside. When something is left
 * over nevertheless, all behind the first of it comes again: the lane has one place in the log.
 *
 * `put` resolves to an answer for each item, in their order: null when it has been taken.
 */
export async function sendEach(
  items: readonly SinkItem[],
  put: (some: readonly SinkItem[]) => Promise<readonly (ItemFault | null)[]>,
  { clock, signal }: { clock: Pick<Clock, 'after'>; signal: AbortSignal },
): Promise<readonly ItemRefusal[]> {
  let left = items.map((item, index) => ({ item, index }));
  const refusals: ItemRefusal[] = [];
  for (let tries = 1; ; tries++) {
    const answers = await put(left.map(({ item }) => item)).catch((error: unknown) => {
      throw stoppedAt(left[0]?.index ?? 0, refusals, error);
    });
    const faults = left.flatMap((entry, i) => {
      const fault = answers[i] ?? null;
      return fault === null ? [] : [{ ...entry, ...fault }];
    });
    for (const { index, code, detail } of faults) {
      if (code === 'refused') refusals.push({ index, detail });
    }
    const again = faults.filter(({ code }) => code !== 'refused');
    const [first] = again;
    if (first === undefined) return refusals;
    const isPassing = again.every(({ code }) => code === 'rate_limited' || code === 'unavailable');
    if (!isPassing || tries === MAX_TRIES) {
      throw stoppedAt(first.index, refusals, new SinkTrouble(first.code, first.detail));
    }
    await pause(FIRST_PAUSE_MS * 2 ** (tries - 1), clock, signal);
    left = again;
  }
}

/** Everything before `taken` is done; some of it was refused. */
function stoppedAt(taken: number, refusals: readonly ItemRefusal[], error: unknown): unknown {
  if (!(error instanceof SinkTrouble)) return error;
  return new SinkTrouble(error.code, error.message, {
    retryAfterMs: error.retryAfterMs,
    taken,
    refusals: refusals.filter(({ index }) => index < taken),
    cause: error,
  });
}
