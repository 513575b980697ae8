import { type StoreHealth, StoreUnavailable } from '../../../store/engine.ts';
import type { Random } from '../random.ts';
import type { Trace } from './trace.ts';
import type { Process, VirtualTime } from './virtual-time.ts';

export interface DiskPlan {
  /**
   * `batched`: what waits is done in one piece and answered in order, as sqlite/engine.ts does.
   * `scattered`: each call is done and answered in its own time, but for those that share a key, and
   * claims come behind what was asked for before them, as postgres/engine.ts does.
   */
  mode: 'batched' | 'scattered';
  /** How long doing and answering take, ms, at most. */
  slowestMs: number;
  /** How likely a call, or a batch of them, is refused and the store then refuses everything. */
  outageChance: number;
  longestOutageMs: number;
  /** How likely a call fails by itself, for a cause that nobody thought of. */
  oddChance: number;
}

/** What a process says to its store and hears from it: with delays, faults, and an end. */
export interface VirtualDisk {
  /**
   * Rejects as Engine does. An attempt is never refused by an outage: it waits. `keys`: calls with
   * one in common are done and answered in their order.
   */
  call<T>(request: CallRequest<T>): Promise<T>;
  health(): StoreHealth;
  onHealthChange(listener: (health: StoreHealth) => void): void;
  /** Since when it has been well and refused nothing, ms. */
  wellSinceMs(): number;
  /** Calls without an answer yet. */
  readonly busy: number;
  /** The process is gone. Of what it had asked for, some is done all the same. */
  crash(): Promise<void>;
  /** Nothing is taken any more; what was held back is given up. */
  close(): void;
}

export type CallKind = 'attempt' | 'commit' | 'claim';

export interface CallRequest<T> {
  kind: CallKind;
  name: string;
  keys: readonly string[];
  work: () => T | Promise<T>;
}

interface Call extends CallRequest<unknown> {
  number: number;
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

/** The order in which one transaction does things (sqlite/writer.ts). */
const ORDER: readonly CallKind[] = ['attempt', 'commit', 'claim'];

export function createVirtualDisk(options: {
  time: VirtualTime;
  random: Random;
  plan: DiskPlan;
  process: Process;
  trace: Trace;
  /** When faults may happen, ms since the world began. */
  faults: { fromMs: number; untilMs: number };
}): VirtualDisk {
  const { time, random, plan, process, trace, faults } = options;
  const listeners: ((health: StoreHealth) => void)[] = [];
  let health: StoreHealth = { ok: true };
  let wellSinceMs = time.elapsedMs();
  /** Not begun, and under way: done or not, and not answered. */
  let queue: Call[] = [];
  let underWay: Call[] = [];
  const done = new WeakSet<Call>();
  let isFlushing = false;
  const held: Call[] = [];
  let busy = 0;
  let asked = 0;
  let answersAtMs = 0;

  const delayMs = (): number => random.int(0, random.chance(0.9) ? 4 : plan.slowestMs);
  const isFaulty = (): boolean =>
    time.elapsedMs() >= faults.fromMs && time.elapsedMs() < faults.untilMs;

  function later(waitMs: number, step: () => void | Promise<void>): void {
    time.at(waitMs, () => (process.alive ? step() : undefined));
  }

  /** Answers keep their order when the store is one that keeps it. */
  function answerAfter(waitMs: number, step: () => void): void {
    const atMs = time.elapsedMs() + waitMs;
    answersAtMs = plan.mode === 'batched' ? Math.max(atMs, answersAtMs + 1) : atMs;
    later(answersAtMs - time.elapsedMs(), step);
  }

  function settle(step: () => void): void {
    busy -= 1;
    step();
  }

  function setHealth(next: StoreHealth): void {
    health = next;
    trace(next.ok ? 'store takes work again' : 'store takes no work');
    for (const listener of listeners) listener(next);
  }

  function beginOutage(): void {
    if (!health.ok) return;
    setHealth({ ok: false, code: 'disk_full', detail: 'The disk is full, says the simulation.' });
    refuse(queue.splice(0));
    later(random.int(1_000, plan.longestOutageMs), () => {
      wellSinceMs = time.elapsedMs();
      setHealth({ ok: true });
      for (const call of held.splice(0).sort((a, b) => a.number - b.number)) submit(call);
    });
  }

  function refuse(calls: readonly Call[]): void {
    underWay = underWay.filter((one) => !calls.includes(one));
    for (const call of calls) {
      trace(`store refuses ${call.name}`);
      if (call.kind === 'attempt') held.push(call);
      else answerAfter(delayMs(), () => settle(() => call.reject(unavailable('disk_full'))));
    }
  }

  async function perform(call: Call): Promise<() => void> {
    done.add(call);
    if (isFaulty() && random.chance(plan.oddChance)) {
      trace(`store fails ${call.name}`);
      wellSinceMs = time.elapsedMs();
      return () => call.reject(new Error('The store failed, says the simulation.'));
    }
    try {
      const value = await call.work();
      return () => call.resolve(value);
    } catch (error) {
      return () => call.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async function performAll(calls: readonly Call[]): Promise<void> {
    if (isFaulty() && random.chance(plan.outageChance)) beginOutage();
    if (!health.ok) {
      refuse(calls);
      return;
    }
    const outcomes = new Map<Call, () => void>();
    for (const kind of ORDER) {
      for (const call of calls) if (call.kind === kind) outcomes.set(call, await perform(call));
    }
    answerAfter(delayMs(), () => {
      for (const call of calls) settle(outcomes.get(call) ?? (() => {}));
      underWay = underWay.filter((one) => !calls.includes(one));
      startFree();
    });
  }

  function flush(): void {
    if (isFlushing || queue.length === 0) return;
    isFlushing = true;
    underWay = queue;
    queue = [];
    later(delayMs(), async () => {
      await performAll(underWay);
      isFlushing = false;
      flush();
    });
  }

  /** Begins each call that no earlier one stands in the way of. */
  function startFree(): void {
    if (plan.mode === 'batched') return;
    const before = [...underWay];
    const free: Call[] = [];
    for (const call of queue) {
      if (!before.some((other) => isInTheWay(other, call))) free.push(call);
      before.push(call);
    }
    queue = queue.filter((call) => !free.includes(call));
    underWay.push(...free);
    for (const call of free) later(delayMs(), () => performAll([call]));
  }

  function submit(call: Call): void {
    if (!health.ok) {
      refuse([call]);
      return;
    }
    queue.push(call);
    if (plan.mode === 'batched') flush();
    else startFree();
  }

  return {
    call: <T>(request: CallRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        busy += 1;
        asked += 1;
        submit({ ...request, number: asked, resolve: (value) => resolve(value as T), reject });
      }),
    health: () => health,
    onHealthChange: (listener) => listeners.push(listener),
    wellSinceMs: () => (health.ok ? wellSinceMs : Number.POSITIVE_INFINITY),
    get busy() {
      return busy;
    },
    async crash() {
      if (!health.ok) return;
      const isDone = random.chance(0.5);
      const open = underWay.filter((call) => !done.has(call));
      const lost =
        plan.mode === 'batched' ? open.filter(() => isDone) : open.filter(() => random.chance(0.5));
      for (const kind of ORDER) {
        for (const call of lost) {
          if (call.kind !== kind) continue;
          trace(`store does ${call.name}, and nobody hears of it`);
          await perform(call);
        }
      }
    },
    close() {
      for (const call of held.splice(0)) settle(() => call.reject(unavailable('closed')));
    },
  };
}

function isInTheWay(earlier: Call, call: Call): boolean {
  if (call.kind === 'claim') return earlier.kind !== 'claim';
  return earlier.keys.some((key) => call.keys.includes(key));
}

function unavailable(code: 'disk_full' | 'closed'): StoreUnavailable {
  return new StoreUnavailable(code, 'The store takes no work, says the simulation.');
}
