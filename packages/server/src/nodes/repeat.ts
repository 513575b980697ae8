import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

/** How long work that failed waits for its next round, ms. */
const AGAIN_MS = 60_000;
/** After a start everything else comes first. */
const FIRST_MS = 1_000;

/** A duty that is work done again and again; `work` resolves to when the next round is due, ms. */
export function repeat(
  work: () => Promise<number>,
  { clock, log }: { clock: Clock; log: Log },
): { begin(): void; end(): void } {
  let cancel = (): void => {};
  let over = true;
  async function turn(): Promise<void> {
    const waitMs = await work().catch((error: unknown) => {
      log.warn({ error: messageOf(error) }, 'A duty failed; the next round tries again');
      return AGAIN_MS;
    });
    if (!over) cancel = clock.after(waitMs, () => void turn());
  }
  return {
    begin() {
      over = false;
      cancel = clock.after(FIRST_MS, () => void turn());
    },
    end() {
      over = true;
      cancel();
    },
  };
}
