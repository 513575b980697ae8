import type { RunningProcess, World } from '../start-process.ts';
import type { ModelStore } from '../store/model-store.ts';
import type { VirtualTime } from '../world/virtual-time.ts';
import { findStall } from './find-stall.ts';
import type { Verdict } from './verdict.ts';

export interface ProcessView {
  running: RunningProcess;
  world: World;
  model: ModelStore;
  verdict: Verdict;
}

/** The store answers, and what it refused has been tried again, which takes a moment. */
export function hasSettled({ disk }: RunningProcess, time: VirtualTime): boolean {
  return disk.busy === 0 && time.elapsedMs() - disk.wellSinceMs() >= 3_000;
}

/** What the process counts is within its limits. */
export function checkLimits({ running, world, verdict }: ProcessView): void {
  const { name } = running.process;
  const { memoryLimit } = world.plan;
  const { size } = world.watcher.lanes.underWay;
  const { inMemory, inFlight } = running.dispatcher.stats();
  if (inMemory >= memoryLimit - 1) verdict.count('full memory');
  verdict.expect(
    inMemory >= 0 && inMemory <= memoryLimit,
    () => `${name} counts ${inMemory} deliveries in memory of ${memoryLimit}.`,
  );
  verdict.expect(inFlight === size, () => `${name} counts ${inFlight} posts of ${size} under way.`);
}

/** What a settled process counts is what it has leased: nothing is forgotten, and nothing leaks. */
export function checkMemory({ running, model, verdict }: ProcessView): void {
  const { name, node } = running.process;
  const { inMemory } = running.dispatcher.stats();
  let held = 0;
  for (const one of model.deliveries()) if (one.node === node) held += 1;
  verdict.expect(
    held === inMemory,
    () => `${name} counts ${inMemory} deliveries in memory, and holds ${held}.`,
  );
}

/** Nothing is going to happen for so long: then nothing is due within it. */
export function checkStall({ running, world, model, verdict }: ProcessView, gapMs: number): void {
  const { plan, time, trace, watcher } = world;
  // After a jump the timers that were set before it are late by as much.
  if (time.jumps > 0) return;
  const nowMs = time.wallMs();
  const stall = findStall(
    {
      node: running.process.node,
      nowMs,
      untilMs: nowMs + gapMs,
      inMemory: running.dispatcher.stats().inMemory,
      memoryLimit: plan.memoryLimit,
      concurrency: plan.concurrency,
      store: model,
      lanes: watcher.lanes,
    },
    trace.nameOf,
  );
  if (stall !== null) verdict.fail(stall);
}

/** `isSmooth`: the store took everything at once, and nobody was waiting for an answer. */
export function checkStopped(
  { running, world, model, verdict }: ProcessView,
  isSmooth: boolean,
): void {
  const { trace, watcher } = world;
  const { name, node } = running.process;
  verdict.expect(watcher.lanes.underWay.size === 0, () => `${name} stopped amid posts.`);
  if (!isSmooth) return;
  for (const one of model.deliveries()) {
    const kept = one.node === node;
    verdict.expect(!kept, () => `${name} stopped and kept ${trace.nameOf(one.eventId)}.`);
  }
}
