import { createSecretBox } from '../../lib/secret-box.ts';
import { type Actor, createActor } from './act.ts';
import type { Action } from './plan/draw-actions.ts';
import { drawPlan, type Plan, type Restart, SETUP_MS } from './plan/draw-plan.ts';
import { createRandom, type Random } from './random.ts';
import { type RunningProcess, startProcess, type World } from './start-process.ts';
import type { BareStore } from './store/bare-store.ts';
import { createModelStore, type ModelStore } from './store/model-store.ts';
import { checkEnd, isFinished } from './watch/check-end.ts';
import { findStall } from './watch/find-stall.ts';
import { createVerdict, type Verdict } from './watch/verdict.ts';
import { createWatcher } from './watch/watcher.ts';
import { createTrace, type Trace } from './world/trace.ts';
import { createVirtualNetwork } from './world/virtual-network.ts';
import { createVirtualTime } from './world/virtual-time.ts';

export interface RunResult {
  seed: number;
  /** What rule was broken; null when none was. */
  failure: string | null;
  plan: Plan;
  trace: Trace;
  counts: Verdict['counts'];
  jitters: readonly number[];
  steps: number;
}

export interface RunOptions {
  seed: number;
  /** How much happens; 1 when left out. */
  scale?: number;
  /** Another store than the model alone; it must keep the model up to date. */
  openStore?: (model: ModelStore, fail: Verdict['fail']) => Promise<BareStore>;
}

/** 2026-11-20T10:00:00Z */
const START_MS = 1_795_168_800_000;
/** After the last fault: the longest ladder is over by far, and so is the patience of the longest. */
const PEACE_MS = 12 * 86_400_000;
/** A usual run has some hundred, a long one ten thousand. */
const MOST_STEPS = 100_000;
/** What is counted is looked at again and again even when nothing is ever quiet. */
const COUNT_EVERY = 50;
/** Below this, quiet is only the pause between two steps of the same thing, ms. */
const QUIET_MS = 200;
/** A stop takes its grace, the bound for aborted posts, and what a slow store takes for some calls. */
const STOP_BOUND_MS = 60_000;

/** Runs the webhook engine through what a seed draws, and tells whether it kept its rules. */
export async function simulate(options: RunOptions): Promise<RunResult> {
  const { seed, scale = 1 } = options;
  const random = createRandom(seed);
  const plan = drawPlan(random.fork('plan'), scale);
  const time = createVirtualTime(START_MS, random.fork('time'));
  const trace = createTrace(time.elapsedMs);
  const verdict = createVerdict();
  const model = createModelStore();
  const store = (await options.openStore?.(model, verdict.fail)) ?? model;
  const watcher = createWatcher({ plan, time, verdict, store: model, trace });
  const network = createVirtualNetwork({
    time,
    random: random.fork('network'),
    sites: plan.sites,
    watcher,
    trace,
  });
  const secretBox = createSecretBox(Buffer.alloc(32, 1));
  const world = { plan, time, random, store, network, watcher, secretBox, trace };
  const actor = createActor({ plan, time, store: model, verdict, trace });
  const run = createRun({ world, model, actor, verdict, random: random.fork('run') });
  const steps = await run();
  await store.close();
  const { jitters } = watcher.deliveries;
  const { failure, counts } = verdict;
  return { seed, failure, plan, trace, counts, jitters, steps };
}

function createRun(options: {
  world: World;
  model: ModelStore;
  actor: Actor;
  verdict: Verdict;
  random: Random;
}): () => Promise<number> {
  const { world, model, actor, verdict, random } = options;
  const { plan, time, trace, watcher } = world;
  const peaceAtMs = SETUP_MS + plan.chaosMs;
  let running: RunningProcess | null = null;
  let isStopping = false;
  let started = 0;
  let isPeace = false;

  async function start(): Promise<void> {
    running = await startProcess(world, started);
    started += 1;
    running.disk.onHealthChange(({ ok }) => {
      if (!ok) verdict.count('outage');
    });
  }

  async function end(gone: RunningProcess, downMs: number): Promise<void> {
    gone.process.alive = false;
    watcher.processEnded();
    running = null;
    isStopping = false;
    await world.store.restart();
    time.at(downMs, start);
  }

  function stop({ graceMs, downMs }: Restart, stopping: RunningProcess): void {
    isStopping = true;
    verdict.count('stop');
    const fromMs = time.elapsedMs();
    const isQuiet = actor.waitingFor(stopping) === 0;
    const cancelBound = time.at(graceMs + STOP_BOUND_MS + 20 * plan.disk.slowestMs, () => {
      verdict.fail(`${stopping.process.name} does not stop.`);
    });
    const closeWhenIdle = (): void => {
      if (stopping.disk.busy > 0 && stopping.disk.health().ok) {
        time.at(5, closeWhenIdle);
        return;
      }
      stopping.disk.close();
      const isWell = plan.disk.slowestMs < 1_000 && stopping.disk.wellSinceMs() <= fromMs;
      checkStopped(stopping, isQuiet && isWell);
      time.at(1, () => end(stopping, downMs));
    };
    void stopping.stop(graceMs).then(() => {
      cancelBound();
      closeWhenIdle();
    });
  }

  /** `isSmooth`: the store took everything at once, and nobody was waiting for an answer. */
  function checkStopped({ process }: RunningProcess, isSmooth: boolean): void {
    verdict.expect(watcher.lanes.underWay.size === 0, () => `${process.name} stopped amid posts.`);
    if (!isSmooth) return;
    for (const { node, eventId } of model.deliveries()) {
      verdict.expect(
        node !== process.node,
        () => `${process.name} stopped and kept ${trace.nameOf(eventId)}.`,
      );
    }
  }

  async function restart(planned: Restart): Promise<void> {
    if (running === null || isStopping) return;
    if (planned.kind === 'stop') {
      stop(planned, running);
      return;
    }
    verdict.count('crash');
    await running.crash();
    await end(running, planned.downMs);
  }

  function planAction(action: Action): void {
    time.at(SETUP_MS + action.atMs, () => {
      if (running !== null && !isStopping) actor.act(action, running);
    });
  }

  function schedule(): void {
    for (const [endpoint, { isThereAtStart }] of plan.endpoints.entries()) {
      if (isThereAtStart) planAction({ kind: 'create', endpoint, atMs: -SETUP_MS });
    }
    for (const action of plan.actions) planAction(action);
    for (const planned of plan.restarts) {
      const { when } = planned;
      if ('atMs' in when) time.at(SETUP_MS + when.atMs, () => restart(planned));
    }
    for (const { atMs, byMs } of plan.jumps) {
      time.at(SETUP_MS + atMs, () => {
        trace(`the clock jumps by ${byMs} ms`);
        verdict.count('clock jump');
        time.jump(byMs);
      });
    }
    time.at(peaceAtMs + 60_000, makePeace);
  }

  function makePeace(): void {
    if (running === null || isStopping) {
      time.at(10_000, makePeace);
      return;
    }
    trace('all faults are over');
    isPeace = true;
    for (const [endpoint] of plan.endpoints.entries()) {
      if (random.chance(0.6)) actor.act({ kind: 'enable', endpoint, atMs: 0 }, running);
    }
  }

  function checkMemory({ dispatcher, process }: RunningProcess): void {
    const { inMemory, inFlight } = dispatcher.stats();
    if (inMemory >= plan.memoryLimit - 1) verdict.count('full memory');
    verdict.expect(
      inMemory >= 0 && inMemory <= plan.memoryLimit,
      () => `${process.name} counts ${inMemory} deliveries in memory of ${plan.memoryLimit}.`,
    );
    verdict.expect(
      inFlight === watcher.lanes.underWay.size,
      () =>
        `${process.name} counts ${inFlight} posts; ${watcher.lanes.underWay.size} are under way.`,
    );
  }

  /** What the store refused a moment ago is tried again a moment later. */
  const isSettled = ({ disk }: RunningProcess): boolean =>
    disk.busy === 0 && time.elapsedMs() - disk.wellSinceMs() >= 3_000;

  function checkCount({ dispatcher, process }: RunningProcess): void {
    const { inMemory } = dispatcher.stats();
    let held = 0;
    for (const { node } of model.deliveries()) if (node === process.node) held += 1;
    verdict.expect(
      held === inMemory,
      () => `${process.name} counts ${inMemory} deliveries in memory, and holds ${held}.`,
    );
  }

  function checkStall({ dispatcher, process }: RunningProcess, gapMs: number): void {
    const { inMemory } = dispatcher.stats();
    // After a jump the timers that were set before it are late by as much.
    if (time.jumps > 0) return;
    const nowMs = time.wallMs();
    const quiet = { nowMs, untilMs: nowMs + gapMs, inMemory, node: process.node };
    const { memoryLimit, concurrency } = plan;
    const { lanes } = watcher;
    const stall = findStall(
      { ...quiet, memoryLimit, concurrency, store: model, lanes },
      trace.nameOf,
    );
    if (stall !== null) verdict.fail(stall);
  }

  /** Between two steps. Returns whether the run is over. */
  function look(gapMs: number | null, steps: number): boolean {
    verdict.expect(steps < MOST_STEPS, () => 'The run does not come to an end.');
    watcher.deliveries.checkRecorded();
    if (running === null || isStopping) return gapMs === null;
    checkMemory(running);
    const isQuiet = (gapMs ?? QUIET_MS) >= QUIET_MS;
    if (isSettled(running) && (isQuiet || steps % COUNT_EVERY === 0)) checkCount(running);
    if (!isQuiet) return false;
    if (isSettled(running)) checkStall(running, gapMs ?? PEACE_MS);
    if (gapMs === null) return true;
    if (!isPeace || running.disk.busy > 0 || actor.waitingFor(running) > 0) return false;
    if (isFinished({ model, watcher, running })) return true;
    return time.elapsedMs() > peaceAtMs + PEACE_MS;
  }

  return async () => {
    schedule();
    await start();
    let steps = 0;
    while (verdict.failure === null && !look(time.gapMs(), steps)) {
      await time.next();
      steps += 1;
      for (const planned of plan.restarts) {
        if ('atStep' in planned.when && planned.when.atStep === steps) {
          time.at(0, () => restart(planned));
        }
      }
    }
    if (verdict.failure === null && running !== null) {
      checkEnd({ model, watcher, running, verdict, plan, name: trace.nameOf });
    }
    return steps;
  };
}
