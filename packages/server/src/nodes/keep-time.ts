import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { SteadyClock } from '../lib/steady-clock.ts';
import type { Engine } from '../store/engine.ts';

/**
 * Nodes that share a database share its time. When a retry is due, or since when an attempt lasts, is
 * written by one node and read by another: with the machines' own clocks, one that is an hour ahead
 * would put off by an hour whatever failed there, and sign with a time that receivers refuse.
 */
export interface TimeKeeper {
  /** Rejects with StoreUnavailable. */
  start(): Promise<void>;
  stop(): void;
}

/** Monotonic clocks drift by less than a second a day; this is for machines that were suspended. */
const EVERY_MS = 2_000;
/** Less is no news: a failover to a server whose clock is a little off. */
const NOTABLE_MS = 1_000;

export function keepTime(options: {
  engine: Pick<Engine, 'timeMs'>;
  clock: SteadyClock;
  log: Log;
}): TimeKeeper {
  const { engine, clock, log } = options;
  let cancel = (): void => {};
  let stopped = false;

  async function look(): Promise<void> {
    const askedAtMs = clock.now();
    const timeMs = await engine.timeMs();
    if (timeMs === null) return;
    // The database looked at its clock some time between the question and the answer.
    const tookMs = clock.now() - askedAtMs;
    const movedMs = clock.correct({ fromMs: timeMs, toMs: timeMs + tookMs + 1 });
    if (Math.abs(movedMs) < NOTABLE_MS) return;
    const text = 'The clock of this machine is not the one of the database, which counts';
    log.warn({ moved_ms: movedMs }, text);
  }

  async function turn(): Promise<void> {
    try {
      await look();
    } catch (error) {
      log.debug({ error: messageOf(error) }, 'The database did not tell the time; trying again');
    }
    if (!stopped) cancel = clock.after(EVERY_MS, () => void turn());
  }

  return {
    async start() {
      await look();
      cancel = clock.after(EVERY_MS, () => void turn());
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}
