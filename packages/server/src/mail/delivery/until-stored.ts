import type { Clock } from '../../lib/clock.ts';
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
