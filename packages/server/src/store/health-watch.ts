import type { Clock } from '../lib/clock.ts';
import { type StoreHealth, StoreUnavailable } from './engine.ts';

/** How often a store that failed is tried again, ms. */
const PROBE_INTERVAL_MS = 1_000;

/**
 * Whether the store takes work: ok -> (a write fails for the store's own fault) failing -> (a probe
 * succeeds) ok. A damaged file stays failing until a restart; `closed` is the end.
 */
export interface HealthWatch {
  health(): StoreHealth;
  onChange(listener: (health: StoreHealth) => void): void;
  fail(fault: StoreUnavailable): void;
  /** Probes now, where something looks wrong that nobody has asked for. */
  suspect(): void;
}

export function createHealthWatch(options: {
  clock: Clock;
  /** Writes something; rejects with StoreUnavailable. */
  probe: () => Promise<unknown>;
  /** The store works again. Called behind the listeners. */
  recovered: () => void;
}): HealthWatch {
  const { clock } = options;
  const listeners: ((health: StoreHealth) => void)[] = [];
  let health: StoreHealth = { ok: true };
  let suspecting = false;

  function setHealth(next: StoreHealth): void {
    const isSame = next.ok ? health.ok : !health.ok && health.code === next.code;
    health = next;
    if (isSame) return;
    for (const listener of listeners) listener(health);
  }

  const isClosed = (): boolean => !health.ok && health.code === 'closed';

  function fail(fault: StoreUnavailable): void {
    if (isClosed()) return;
    const wasOk = health.ok;
    setHealth({ ok: false, code: fault.code, detail: fault.message });
    if (wasOk && fault.code !== 'corrupt' && fault.code !== 'closed') scheduleProbe();
  }

  function scheduleProbe(): void {
    clock.after(PROBE_INTERVAL_MS, async () => {
      if (isClosed()) return;
      try {
        await options.probe();
      } catch (error) {
        if (error instanceof StoreUnavailable) fail(error);
        return scheduleProbe();
      }
      // The store may have been closed while the probe was under way.
      if (isClosed()) return;
      setHealth({ ok: true });
      options.recovered();
    });
  }

  return {
    health: () => health,
    onChange: (listener) => listeners.push(listener),
    fail,
    suspect() {
      if (!health.ok || suspecting) return;
      suspecting = true;
      options
        .probe()
        .catch((error: unknown) => {
          if (error instanceof StoreUnavailable) fail(error);
        })
        .finally(() => {
          suspecting = false;
        });
    },
  };
}
