import { randomUUID } from 'node:crypto';
import { messageOf } from '../errors.ts';
import type { ClaimedEntry } from '../inbox/inbox.ts';
import { type RunDeps, runEntry, Stopped } from './run-entry.ts';

/** Keys forgotten in one statement: it should hold nobody up. */
const PURGE_STEP = 500;
const PURGE_EVERY_MS = 60_000;

export interface Worker {
  start(): void;
  /** Something new is there. */
  wake(): void;
  /** Runs what is due now and what becomes so meanwhile; how many ran. */
  drain(): Promise<number>;
  stop(timeoutMs: number): Promise<void>;
}

interface Running {
  entry: ClaimedEntry;
  controller: AbortController;
  done: Promise<void>;
}

/**
 * Claims entries and runs their handlers, `concurrency` at once.
 *
 *   idle     made; drain() runs what is there
 *   started  by start(): claims when it is woken, when a handler ends and at each poll
 *   stopped  by stop(): claims nothing more
 */
export function createWorker(deps: RunDeps): Worker {
  const { settings, say } = deps;
  const { inbox, name, clock, concurrency, leaseMs, pollMs } = settings;
  const running = new Map<string, Running>();
  const cancels = new Map<string, () => void>();
  let isStarted = false;
  let isStopped = false;
  let isClaiming = false;
  let isWoken = false;

  /** Resolves with how many were claimed. One at a time, so that `concurrency` holds. */
  async function fill(): Promise<number> {
    if (isClaiming) {
      isWoken = true;
      return 0;
    }
    isClaiming = true;
    let claimed = 0;
    try {
      do {
        isWoken = false;
        claimed += await claimFree();
      } while (isWoken && !isStopped);
    } catch (error) {
      fault('claim', error);
    } finally {
      isClaiming = false;
    }
    return claimed;
  }

  async function claimFree(): Promise<number> {
    const limit = concurrency - running.size;
    if (limit <= 0 || isStopped) return 0;
    const lease = randomUUID();
    const entries = await inbox.claim({ queue: name, lease, nowMs: clock.now(), leaseMs, limit });
    for (const entry of entries) begin(entry);
    return entries.length;
  }

  function begin(entry: ClaimedEntry): void {
    const controller = new AbortController();
    const done = runEntry(entry, controller, deps).finally(() => {
      running.delete(entry.key);
      if (isStarted) void fill();
    });
    running.set(entry.key, { entry, controller, done });
    // Also without start(): a drain may take longer than a lease.
    if (!cancels.has('renew')) repeat('renew', leaseMs / 3, renew);
  }

  /** A process that was asleep may have lost some; their handlers are told. */
  async function renew(): Promise<void> {
    const held = [...running.values()];
    if (held.length === 0) return;
    const leases = held.map(({ entry }) => entry);
    const kept = new Set(await inbox.renew(name, leases, clock.now() + leaseMs));
    for (const { entry, controller } of held) {
      if (!kept.has(entry.key) && running.has(entry.key)) {
        controller.abort(new Error('Another process has taken the event over.'));
      }
    }
  }

  async function purge(): Promise<void> {
    let purged: number;
    do {
      purged = await inbox.purge(name, clock.now(), PURGE_STEP);
    } while (purged >= PURGE_STEP && !isStopped);
  }

  function fault(action: string, error: unknown): void {
    say({ kind: 'inbox_failed', level: 'error', action, message: messageOf(error) });
  }

  function repeat(action: string, everyMs: number, work: () => Promise<unknown>): void {
    const again = async () => {
      await work().catch((error: unknown) => fault(action, error));
      if (cancels.has(action)) cancels.set(action, clock.after(everyMs, again));
    };
    cancels.set(action, clock.after(everyMs, again));
  }

  function cancelAll(): void {
    for (const cancel of cancels.values()) cancel();
    cancels.clear();
  }

  return {
    start() {
      if (isStarted || isStopped) return;
      isStarted = true;
      repeat('poll', pollMs, fill);
      repeat('purge', PURGE_EVERY_MS, purge);
      void fill();
    },

    wake() {
      if (isStarted) void fill();
    },

    async drain() {
      let total = 0;
      for (;;) {
        total += await fill();
        if (running.size === 0) break;
        await Promise.race([...running.values()].map(({ done }) => done));
      }
      await purge().catch((error: unknown) => fault('purge', error));
      if (!isStarted) cancelAll();
      return total;
    },

    async stop(timeoutMs) {
      isStopped = true;
      cancels.get('poll')?.();
      cancels.get('purge')?.();
      const cancel = clock.after(timeoutMs, () => {
        for (const { controller } of running.values()) {
          controller.abort(new Stopped('The receiver stopped before the handler had ended.'));
        }
      });
      await Promise.all([...running.values()].map(({ done }) => done));
      cancel();
      cancelAll();
    },
  };
}
