import type { Actor } from './act.ts';
import type { Action } from './plan/draw-actions.ts';
import { type Restart, SETUP_MS } from './plan/draw-plan.ts';
import type { Random } from './random.ts';
import { type RunningProcess, startProcess, type World } from './start-process.ts';
import type { ModelStore } from './store/model-store.ts';
import { checkStopped } from './watch/check-process.ts';
import type { Verdict } from './watch/verdict.ts';

/** Starts, stops and kills processes, turns the clock, and has people do what the plan says. */
export interface Operator {
  schedule(): void;
  start(): Promise<void>;
  /** So many steps have been taken. */
  noteStep(steps: number): void;
  /** The process that works; null while there is none, or it is stopping. */
  running(): RunningProcess | null;
  /** All faults are over, and nobody waits for an answer. */
  isAtPeace(): boolean;
}

/** A stop takes its grace, the bound for aborted posts, and what a slow store takes for some calls. */
const STOP_BOUND_MS = 60_000;
/** After the last fault, before disabled endpoints are enabled, ms. */
const CALM_MS = 60_000;

export function createOperator(options: {
  world: World;
  model: ModelStore;
  actor: Actor;
  verdict: Verdict;
  random: Random;
}): Operator {
  const { world, model, actor, verdict, random } = options;
  const { plan, time, trace, watcher } = world;
  let present: RunningProcess | null = null;
  let isStopping = false;
  let cancelBound = (): void => {};
  let started = 0;
  let isPeace = false;

  const running = (): RunningProcess | null => (isStopping ? null : present);

  async function start(): Promise<void> {
    present = await startProcess(world, started);
    started += 1;
    present.disk.onHealthChange(({ ok }) => {
      if (!ok) verdict.count('outage');
    });
  }

  async function end(gone: RunningProcess, downMs: number): Promise<void> {
    if (present !== gone) return;
    gone.process.alive = false;
    cancelBound();
    watcher.processEnded();
    present = null;
    isStopping = false;
    await world.store.restart();
    time.at(downMs, start);
  }

  function stop(stopping: RunningProcess, { graceMs, downMs }: Restart): void {
    isStopping = true;
    verdict.count('stop');
    const fromMs = time.elapsedMs();
    const isAnswered = stopping.disk.busy === 0 && actor.waitingFor(stopping) === 0;
    cancelBound = time.at(graceMs + STOP_BOUND_MS + 20 * plan.disk.slowestMs, () => {
      verdict.fail(`${stopping.process.name} does not stop.`);
    });
    const closeWhenIdle = (): void => {
      if (!stopping.process.alive) return;
      const { disk } = stopping;
      if (disk.busy > 0 && disk.health().ok) {
        time.at(5, closeWhenIdle);
        return;
      }
      disk.close();
      const isWell = plan.disk.slowestMs < 1_000 && disk.wellSinceMs() < fromMs;
      checkStopped({ running: stopping, world, model, verdict }, isAnswered && isWell);
      time.at(1, () => end(stopping, downMs));
    };
    void stopping.stop(graceMs).then(() => {
      cancelBound();
      closeWhenIdle();
    });
  }

  /** It may crash while it stops. */
  async function restart(planned: Restart): Promise<void> {
    if (present === null) return;
    if (planned.kind === 'stop') {
      if (!isStopping) stop(present, planned);
      return;
    }
    verdict.count('crash');
    await present.crash();
    await end(present, planned.downMs);
  }

  function planAction(action: Action): void {
    time.at(SETUP_MS + action.atMs, () => {
      const process = running();
      if (process !== null) actor.act(action, process);
    });
  }

  function jump(byMs: number): void {
    trace(`the clock jumps by ${byMs} ms`);
    verdict.count('clock jump');
    time.jump(byMs);
  }

  function makePeace(): void {
    const process = running();
    if (process === null) {
      time.at(10_000, makePeace);
      return;
    }
    trace('all faults are over');
    isPeace = true;
    for (const [endpoint] of plan.endpoints.entries()) {
      if (random.chance(0.6)) actor.act({ kind: 'enable', endpoint, atMs: 0 }, process);
    }
  }

  return {
    start,
    running,
    isAtPeace: () =>
      isPeace && present !== null && present.disk.busy === 0 && actor.waitingFor(present) === 0,
    schedule() {
      for (const [endpoint, { isThereAtStart }] of plan.endpoints.entries()) {
        if (isThereAtStart) planAction({ kind: 'create', endpoint, atMs: -SETUP_MS });
      }
      for (const action of plan.actions) planAction(action);
      for (const planned of plan.restarts) {
        const { when } = planned;
        if ('atMs' in when) time.at(SETUP_MS + when.atMs, () => restart(planned));
      }
      for (const { atMs, byMs } of plan.jumps) time.at(SETUP_MS + atMs, () => jump(byMs));
      time.at(SETUP_MS + plan.chaosMs + CALM_MS, makePeace);
    },
    noteStep(steps) {
      for (const planned of plan.restarts) {
        const { when } = planned;
        if ('atStep' in when && when.atStep === steps) time.at(0, () => restart(planned));
      }
    },
  };
}
