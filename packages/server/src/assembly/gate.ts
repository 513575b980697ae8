import { PosthornError } from '../lib/errors.ts';
import { type Engine, toPublicHealth } from '../store/engine.ts';

/** Whether this process takes work. */
export interface Gate {
  /** Null while it does; otherwise why not. */
  refuseWork(): PosthornError | null;
  isStopping(): boolean;
  /** From now on it is stopping. */
  shut(): void;
}

export function createGate(engine: Pick<Engine, 'health'>): Gate {
  let stopping = false;
  return {
    refuseWork() {
      if (stopping) {
        const detail = 'This process is stopping. Try again in a moment, or at another one.';
        return new PosthornError('shutting_down', detail, { retryAfterSeconds: 5 });
      }
      const health = toPublicHealth(engine.health());
      if (health.ok) return null;
      return new PosthornError('store_unavailable', health.detail, { retryAfterSeconds: 5 });
    },
    isStopping: () => stopping,
    shut() {
      stopping = true;
    },
  };
}
