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

export function createSinkWorker(options: {
  sinkId: string;
  lanes: readonly LaneRunner[];
  clock: Clock;
  log: Log;
}): SinkWorker {
  const { clock, log, lanes } = options;
  let isHeld = false;
  let isAwake = false;
  let underWay: Promise<void> = Promise.resolve();
  let cancel = (): void => {};

  /** Live events first: a backfill takes the room that they leave. */
  async function round(): Promise<number> {
    let waitMs = LOOK_MS;
    for (const lane of lanes) {
      if (!isHeld) break;
      const next = await lane.step();
      if (next !== null) waitMs = Math.min(waitMs, next);
    }
    return waitMs;
  }

  async function turn(): Promise<void> {
    cancel();
    isAwake = false;
    const waitMs = await round().catch((error: unknown) => {
      // The store is away, or another node has gone on with the lane.
      log.warn({ sink: options.sinkId, error: messageOf(error) }, 'A sink waits; it tries again');
      return LOOK_MS;
    });
    if (isHeld) cancel = clock.after(isAwake ? 0 : waitMs, go);
  }

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
      cancel();
      go();
    },
    close() {
      isHeld = false;
      cancel();
      return hangUp();
    },
  };
}
