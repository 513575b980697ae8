import { createSecretBox } from '../../lib/secrets/secret-box.ts';
import { createActor } from './act.ts';
import { createOperator, type Operator } from './operate.ts';
import { drawPlan, type Plan, SETUP_MS } from './plan/draw-plan.ts';
import { createRandom } from './random.ts';
import type { World } from './start-process.ts';
import type { BareStore } from './store/bare-store.ts';
import { createModelStore, type ModelStore } from './store/model-store.ts';
import { checkEnd, isFinished } from './watch/check-end.ts';
import { checkLimits, checkMemory, checkStall, hasSettled } from './watch/check-process.ts';
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

export type OpenStore = (
  model: ModelStore,
  world: { fail: Verdict['fail']; now: () => number },
) => Promise<BareStore>;

export interface RunOptions {
  seed: number;
  /** How much happens; 1 when left out. */
  scale?: number;
  /** Another store than the model alone; it must keep the model up to date. */
  openStore?: OpenStore;
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

/** Runs the webhook engine through what a seed draws, and tells whether it kept its rules. */
export async function simulate(options: RunOptions): Promise<RunResult> {
  const { seed, scale = 1 } = options;
  const random = createRandom(seed);
  const plan = drawPlan(random.fork('plan'), scale);
  const time = createVirtualTime(START_MS, random.fork('time'));
  const trace = createTrace(time.elapsedMs);
  const verdict = createVerdict();
  const model = createModelStore();
  const store =
    (await options.openStore?.(model, { fail: verdict.fail, now: time.wallMs })) ?? model;
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
  const operator = createOperator({ world, model, actor, verdict, random: random.fork('run') });
  const steps = await run({ world, model, operator, verdict });
  await store.close();
  const { jitters } = watcher.deliveries;
  const { failure, counts } = verdict;
  return { seed, failure, plan, trace, counts, jitters, steps };
}

/** Takes one step after the other until the world has come to rest, and looks around after each. */
async function run(options: {
  world: World;
  model: ModelStore;
  operator: Operator;
  verdict: Verdict;
}): Promise<number> {
  const { world, model, operator, verdict } = options;
  const { plan, time, trace, watcher } = world;
  const lastMs = SETUP_MS + plan.chaosMs + PEACE_MS;

  /** Returns whether the run is over. */
  function look(gapMs: number | null, steps: number): boolean {
    verdict.expect(steps < MOST_STEPS, () => 'The run does not come to an end.');
    watcher.deliveries.checkRecorded();
    const running = operator.running();
    if (running === null) return gapMs === null;
    const view = { running, world, model, verdict };
    checkLimits(view);
    const isQuiet = gapMs === null || gapMs >= QUIET_MS;
    const isSettled = hasSettled(running, time);
    if (isSettled && (isQuiet || steps % COUNT_EVERY === 0)) checkMemory(view);
    if (isSettled && isQuiet) checkStall(view, gapMs ?? PEACE_MS);
    if (gapMs === null) return true;
    if (!isQuiet || !operator.isAtPeace()) return false;
    return isFinished({ model, watcher, running }) || time.elapsedMs() > lastMs;
  }

  operator.schedule();
  await operator.start();
  let steps = 0;
  while (verdict.failure === null && !look(time.gapMs(), steps)) {
    await time.next();
    steps += 1;
    operator.noteStep(steps);
  }
  const running = operator.running();
  if (verdict.failure === null && running !== null) {
    checkEnd({ model, watcher, running, verdict, plan, name: trace.nameOf });
  }
  return steps;
}
