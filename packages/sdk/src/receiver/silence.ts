import { messageOf } from '../errors.ts';
import type { RunDeps } from './run-entry.ts';

/**
 * Watches whether traffic that should come does. What counts is the inbox, which other processes put
 * into as well. Says it once, and once when something comes again.
 */
export function createSilenceWatch({ settings, say }: Pick<RunDeps, 'settings' | 'say'>): {
  start(): void;
  stop(): void;
  /** Something new came to this process. */
  noteTraffic(): void;
} {
  const { clock, inbox, name, silence } = settings;
  let lastMs: number | null = null;
  let startedMs = 0;
  let silentSinceMs: number | null = null;
  let cancel: (() => void) | undefined;

  async function look(afterMs: number): Promise<void> {
    const isDue = clock.now() - (lastMs ?? startedMs) >= afterMs;
    if (isDue || silentSinceMs !== null) {
      const { lastReceivedMs } = await inbox.stats(name);
      if (lastReceivedMs !== null) lastMs = Math.max(lastMs ?? 0, lastReceivedMs);
    }
    const sinceMs = Math.max(lastMs ?? startedMs, startedMs);
    const silentForMs = clock.now() - sinceMs;
    if (silentForMs >= afterMs) tellSilence(sinceMs, afterMs);
    else if (silentSinceMs !== null) tellTraffic();
  }

  function tellSilence(sinceMs: number, afterMs: number): void {
    if (silentSinceMs !== null) return;
    silentSinceMs = sinceMs;
    const lastReceivedAt = lastMs === null ? null : new Date(lastMs).toISOString();
    const message = `Nothing new came for ${Math.round(afterMs / 1_000)} s. Does the provider still post here, and is it refused?`;
    say({ kind: 'silent', level: 'error', message, lastReceivedAt });
    try {
      silence?.onSilent?.(lastMs);
    } catch (error) {
      const problem = `onSilent failed: ${messageOf(error)}`;
      say({ kind: 'silent', level: 'error', message: problem, lastReceivedAt });
    }
  }

  function tellTraffic(): void {
    say({
      kind: 'talking_again',
      level: 'info',
      silentForMs: Math.max(0, (lastMs ?? startedMs) - (silentSinceMs ?? 0)),
    });
    silentSinceMs = null;
  }

  return {
    start() {
      if (silence === undefined || cancel !== undefined) return;
      const { afterMs } = silence;
      startedMs = clock.now();
      // Four looks within the time: said at most a quarter too late.
      const again = async () => {
        await look(afterMs).catch((error: unknown) =>
          say({
            kind: 'inbox_failed',
            level: 'error',
            action: 'look for silence',
            message: messageOf(error),
          }),
        );
        if (cancel !== undefined) cancel = clock.after(afterMs / 4, again);
      };
      cancel = clock.after(afterMs / 4, again);
    },
    stop() {
      cancel?.();
      cancel = undefined;
    },
    noteTraffic() {
      lastMs = clock.now();
      if (silentSinceMs !== null) tellTraffic();
    },
  };
}
