import type { Clock } from '../lib/clock.ts';
import type { Engine, StoreHealth } from '../store/engine.ts';
import { DEAD_AFTER_MS } from './membership.ts';

/**
 * Keeps this node from beginning anything that another one may have taken over. Others declare it dead
 * when they have seen no beat for DEAD_AFTER_MS, so for less than that after a beat that was stored it
 * holds its leases for certain; beyond that (it stood still, or cannot reach the database) posting and
 * sending mail stop, as they do while the store is failing, until a beat has said that it still lives.
 */
export interface LeaseFence extends Pick<Engine, 'health' | 'onHealthChange'> {
  /** A beat is sent now. What it returns is to be called when that is stored, and this node on the list. */
  beat(): () => void;
}

/** A second less than others wait: time for what has begun, and for clocks that run apart. */
const HOLDS_FOR_MS = DEAD_AFTER_MS - 1_000;

const IN_DOUBT: StoreHealth = {
  ok: false,
  code: 'unreachable',
  detail:
    'Other nodes may have taken this one for dead; it waits until it has heard that it lives.',
};

export function createLeaseFence(options: {
  engine: Pick<Engine, 'shared' | 'health' | 'onHealthChange'>;
  /** Goes on while the process stands still. */
  clock: Pick<Clock, 'now'>;
  /** The machine's own time: it goes on while the machine is suspended, too. A jump costs a beat. */
  wallMs: () => number;
}): LeaseFence {
  const { engine, clock, wallMs } = options;
  const listeners: ((health: StoreHealth) => void)[] = [];
  /** Until when it holds its leases, by either time; null until it has joined: then it holds nothing. */
  let until: { ms: number; wallMs: number } | null = null;

  const holds = (): boolean =>
    until === null || (clock.now() < until.ms && wallMs() < until.wallMs);

  function health(): StoreHealth {
    const ofStore = engine.health();
    return !engine.shared || !ofStore.ok || holds() ? ofStore : IN_DOUBT;
  }

  return {
    health,
    onHealthChange(listener) {
      listeners.push(listener);
      engine.onHealthChange(() => listener(health()));
    },
    beat() {
      const next = { ms: clock.now() + HOLDS_FOR_MS, wallMs: wallMs() + HOLDS_FOR_MS };
      return () => {
        const held = holds();
        until = next;
        // A beat from before a long stop may be answered after it: that says nothing.
        if (!held && holds()) for (const listener of listeners) listener(health());
      };
    },
  };
}
