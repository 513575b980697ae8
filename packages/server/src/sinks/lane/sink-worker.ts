import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { LaneRunner } from './sink-lane.ts';

/** Drives the lanes of one sink while this node holds its duty. */
export interface SinkWorker {
  begin(): void;
  /** Lets the step under way end, and makes no other. */
  end(): void;
  /** There may be something new. */
  wake(): void;
  /** Resolves when nothing is under way and the connections are closed. */
  close(): Promise<void>;
}

/** Other nodes append too, and a backfill may have been asked for there, so everybody looks this often, ms. */
const LOOK_MS = 1_000;
/**
 * Who is told of something new soon after the last look waits for the next multiple of this, ms. While events come
 * by the thousand, one look after the other would cost more than all that they find (a look costs the processor some
 * 3 ms, with the request and the commit that follow); and sinks that look at the
 * same moment share what they read (shared-feed.ts).
 */
const GATHER_MS = 250;

/**
 * A sink that has more to send gives way while the process has no time to spare, so that webhooks and mail go
 * first in a rush: it rests so many times as long as it was busy, and not when it is a minute behind already.
 */
const REST_TIMES = 4;
const MAX_REST_MS = 2_000;
const PATIENCE_MS = 60_000;

export function createSinkWorker(options: {
  sinkId: string;
  /** The live one first. */
  lanes: readonly LaneRunner[];
  /** The process has no time to spare. */
  isPressed: () => boolean;
  clock: Clock;
  log: Log;
}): SinkWorker {
  const { clock, log, lanes } = options;
  let isHeld = false;
  let isAwake = false;
  let isTurning = false;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  /** No backfill is looked for before. */
  let quietUntilMs = Number.NEGATIVE_INFINITY;
  let restsUntilMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> = Promise.resolve();
  let cancel = (): void => {};

  /** Live events first: a backfill takes the room that they leave, and mostly there is none. */
  async function round(): Promise<number> {
    let waitMs = LOOK_MS;
    for (const [i, lane] of lanes.entries()) {
      if (!isHeld) break;
      if (i > 0 && clock.now() < quietUntilMs) continue;
      const next = await lane.step();
      if (next !== null) waitMs = Math.min(waitMs, next);
      else if (i > 0) quietUntilMs = clock.now() + LOOK_MS;
    }
    return waitMs;
  }

  async function turn(): Promise<void> {
    cancel();
    isAwake = false;
    isTurning = true;
    const startedAtMs = clock.now();
    const waitMs = await round().catch((error: unknown) => {
      // The store is away, or another node has gone on with the lane.
      log.warn({ sink: options.sinkId, error: messageOf(error) }, 'A sink waits; it tries again');
      return LOOK_MS;
    });
    isTurning = false;
    const restMs = waitMs === 0 ? restAfter(clock.now() - startedAtMs) : 0;
    lookedAtMs = clock.now();
    restsUntilMs = lookedAtMs + restMs;
    const soonMs = isAwake ? Math.min(waitMs, untilTogether()) : waitMs;
    if (isHeld) cancel = clock.after(Math.max(soonMs, restMs), go);
  }

  function restAfter(busyMs: number): number {
    const behindMs = lanes[0]?.behindMs() ?? 0;
    if (behindMs > PATIENCE_MS || !options.isPressed()) return 0;
    return Math.min(busyMs * REST_TIMES, MAX_REST_MS);
  }

  const untilTogether = (): number => GATHER_MS - (clock.now() % GATHER_MS);

  function go(): void {
    underWay = underWay.then(() => (isHeld ? turn() : undefined));
  }

  async function hangUp(): Promise<void> {
    await underWay;
    await Promise.all(lanes.map((lane) => lane.close()));
  }

  return {
    begin() {
      if (isHeld) return;
      isHeld = true;
      go();
    },
    end() {
      isHeld = false;
      cancel();
      void hangUp();
    },
    wake() {
      if (!isHeld || isAwake) return;
      isAwake = true;
      if (isTurning || clock.now() < restsUntilMs) return;
      cancel();
      const isRested = clock.now() - lookedAtMs >= GATHER_MS;
      cancel = clock.after(isRested ? 0 : untilTogether(), go);
    },
    close() {
      isHeld = false;
      cancel();
      return hangUp();
    },
  };
}
