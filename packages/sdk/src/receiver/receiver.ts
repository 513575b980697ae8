import { messageOf } from '../errors.ts';
import type { CanonicalEvent } from '../event.ts';
import { parseLosslessJson } from '../lossless-json.ts';
import { createAcceptor } from './accept.ts';
import { createSay } from './log.ts';
import { createCounters, type ReceiverMetrics } from './metrics.ts';
import { type ReceiverOptions, type ReceiverSettings, readSettings } from './settings.ts';
import { createSilenceWatch } from './silence.ts';
import type { WebhookTarget } from './webhook.ts';
import { createWorker } from './worker.ts';

export interface Receiver extends WebhookTarget {
  readonly name: string;
  /** Runs handlers from now on, those of events that were stored before included. */
  start(): void;
  /** Takes no more events out of the inbox, and waits for the handlers that run, at most so long. */
  stop(options?: { timeoutMs?: number }): Promise<void>;
  /** Runs what is due and resolves then: where no process stays, call it after the answer or by a timer. */
  drain(): Promise<number>;
  metrics(): Promise<ReceiverMetrics>;
  deadLetters: DeadLetters;
}

export interface DeadLetter {
  key: string;
  event: CanonicalEvent;
  attempts: number;
  /** What the last attempt threw. */
  error: string;
  receivedAt: string;
  position: number;
}

export interface DeadLetters {
  /** Newest first; `before` is the `position` of the last one of the page before. */
  list(page?: { limit?: number; before?: number }): Promise<DeadLetter[]>;
  /** Its handler runs again, with all attempts before it. False when there is no such dead letter. */
  retry(key: string): Promise<boolean>;
  /** Nothing is done with it; a duplicate of it stays known. */
  discard(key: string): Promise<boolean>;
}

const STOP_TIMEOUT_MS = 20_000;
/** Who calls drain() by a timer has called it by then. */
const FORGOTTEN_AFTER_MS = 60_000;

/**
 * The receiving end of one provider's webhooks: verifies each request, keeps its events in the inbox,
 * acknowledges, and runs the handlers after that, each event at least once. Give it to an adapter
 * (toFetchHandler, toNodeHandler ...), and call `start`. Throws WebhookError `missing_secret`, `invalid_secret` and TypeError.
 */
export function createReceiver(options: ReceiverOptions): Receiver {
  const settings = readSettings(options);
  const { name, clock } = settings;
  const say = createSay(name, settings.log);
  const counters = createCounters();
  const worker = createWorker({ settings, counters, say });
  const silence = createSilenceWatch({ settings, say });
  let isRun = false;
  let storedSinceMs: number | null = null;
  const open = openOnce(settings, (message) =>
    say({ kind: 'inbox_warning', level: 'warn', message }),
  );

  const accept = createAcceptor({
    settings,
    counters,
    say,
    put: async (batch) => (await open()).put(batch),
    onStored() {
      silence.noteTraffic();
      worker.wake();
      storedSinceMs ??= clock.now();
      if (isRun || clock.now() - storedSinceMs < FORGOTTEN_AFTER_MS) return;
      isRun = true;
      const message = 'Events are stored, but no handler runs: call start() or drain().';
      say({ kind: 'not_started', level: 'warn', message });
    },
  });

  const lagMs = (sinceMs: number | null): number =>
    sinceMs === null ? 0 : Math.max(0, clock.now() - sinceMs);

  return {
    name,
    maxBodyBytes: settings.maxBodyBytes,
    handle: accept,
    start() {
      isRun = true;
      silence.start();
      open().then(worker.start, (error: unknown) => {
        say({ kind: 'inbox_failed', level: 'error', action: 'open', message: messageOf(error) });
        // The worker asks again at each poll.
        worker.start();
      });
    },
    async stop({ timeoutMs = STOP_TIMEOUT_MS } = {}) {
      silence.stop();
      await worker.stop(timeoutMs);
    },
    async drain() {
      isRun = true;
      await open();
      return worker.drain();
    },
    async metrics() {
      const { pending, dead, oldestPendingMs, lastReceivedMs } = await (await open()).stats(name);
      return {
        ...counters,
        refused: { ...counters.refused },
        receiver: name,
        waiting: pending,
        deadLetters: dead,
        lagMs: lagMs(oldestPendingMs),
        silentForMs: lastReceivedMs === null ? null : lagMs(lastReceivedMs),
      };
    },
    deadLetters: {
      async list({ limit = 100, before } = {}) {
        const page = { limit, ...(before === undefined ? {} : { before }) };
        const entries = await (await open()).listDead(name, page);
        return entries.map(({ event, receivedAtMs, ...rest }) => ({
          ...rest,
          event: parseLosslessJson(event) as CanonicalEvent,
          receivedAt: new Date(receivedAtMs).toISOString(),
        }));
      },
      async retry(key) {
        const isRevived = await (await open()).revive(name, key, clock.now());
        if (isRevived) worker.wake();
        return isRevived;
      },
      discard: async (key) => (await open()).discard(name, key),
    },
  };
}

/** Opens the inbox before its first use; once more after it failed. */
function openOnce(
  { inbox }: ReceiverSettings,
  warn: (message: string) => void,
): () => Promise<ReceiverSettings['inbox']> {
  let opening: Promise<ReceiverSettings['inbox']> | null = null;
  return () => {
    opening ??= inbox.open().then(
      ({ warnings }) => {
        for (const message of warnings) warn(message);
        return inbox;
      },
      (error: unknown) => {
        opening = null;
        throw error;
      },
    );
    return opening;
  };
}
