import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { StoreConflict, StoreUnavailable } from '../../store/engine.ts';

const AGAIN_MS = 1_000;

/**
 * What a mail server has answered must not be forgotten: tries until the store takes it. Rejects when the store is
 * closed, and for what no other try would change.
 */
export async function untilStored(
  store: () => Promise<unknown>,
  messageId: string,
  { clock, logger }: { clock: Clock; logger: Log },
): Promise<void> {
  for (;;) {
    try {
      await store();
      return;
    } catch (error) {
      if (error instanceof StoreConflict) {
        logger.warn({ message: messageId }, 'Another node has taken this message over meanwhile');
        return;
      }
      if (!(error instanceof StoreUnavailable) || error.code === 'closed') throw error;
      await new Promise<void>((resolve) => clock.after(AGAIN_MS, resolve));
    }
  }
}

/**
 * Where the store refuses what is told of an attempt, whatever is wrong with it, `settle` stores the bare result all
 * the same: a message that was delivered would go out again and again until it expires.
 */
export async function untilSettled(
  { store, settle }: Record<'store' | 'settle', () => Promise<unknown>>,
  messageId: string,
  deps: { clock: Clock; logger: Log },
): Promise<void> {
  try {
    await untilStored(store, messageId, deps);
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    const fields = { message: messageId, error: messageOf(error) };
    deps.logger.error(
      fields,
      'The events of an attempt could not be stored; its result is, without them',
    );
    await untilStored(settle, messageId, deps);
  }
}
