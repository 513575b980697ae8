import type { Plan } from '../plan/draw-plan.ts';
import type { RunningProcess } from '../start-process.ts';
import type { StoredDelivery } from '../store/bare-store.ts';
import type { ModelStore } from '../store/model-store.ts';
import type { Verdict } from './verdict.ts';
import type { WatchedDelivery } from './watched-deliveries.ts';
import type { Watcher } from './watcher.ts';

/** Nothing is left that an enabled endpoint could still get. */
export function isFinished(input: {
  model: ModelStore;
  watcher: Watcher;
  running: RunningProcess;
}): boolean {
  const { model, watcher, running } = input;
  const { inMemory, inFlight } = running.dispatcher.stats();
  if (inMemory > 0 || inFlight > 0) return false;
  for (const { state, endpointId } of model.deliveries()) {
    const isEnabled = watcher.lanes.find(endpointId)?.config.isEnabled ?? true;
    if (state === 'pending' && isEnabled) return false;
  }
  return true;
}

/** What has become of each delivery, once nothing happens any more. */
export function checkEnd(input: {
  model: ModelStore;
  watcher: Watcher;
  running: RunningProcess;
  verdict: Verdict;
  plan: Plan;
  name: (id: string) => string;
}): void {
  const { model, watcher, running, verdict, plan, name } = input;
  const { inMemory } = running.dispatcher.stats();
  verdict.expect(inMemory === 0, () => `${inMemory} deliveries are in memory at the end.`);
  for (const one of watcher.deliveries.all()) {
    const row = model.delivery(one.eventId, one.endpointId);
    const problem = row === undefined ? 'is gone' : explain(row, one);
    if (problem === null) continue;
    verdict.fail(`${name(one.eventId)} to ${name(one.endpointId)} ${problem}.`);
  }
  checkJitter(watcher.deliveries.jitters, verdict);

  /**
   * A report is lost when the process ends while the store takes no work, or when the store fails it
   * for a cause that nobody thought of. Of reports nothing is reported.
   */
  function isReported({ eventId, endpointId }: StoredDelivery): boolean {
    const type = model.event(eventId)?.type ?? '';
    const isExcused = plan.restarts.length > 0 || plan.disk.oddChance > 0;
    if (isExcused || /^(endpoint|delivery)\./.test(type)) return true;
    return watcher.reportedDead.has(`${eventId}/${endpointId}`);
  }

  function explain(row: StoredDelivery, seen: WatchedDelivery): string | null {
    if (seen.successes > 1 + seen.excuses) {
      return `was delivered ${seen.successes} times, with ${seen.excuses} excuses`;
    }
    if (row.node !== null) return 'is still held by a node';
    const config = watcher.lanes.find(row.endpointId)?.config;
    switch (row.state) {
      case 'delivered':
        return seen.successes > 0 ? null : 'is delivered, and nobody answered 2xx';
      case 'dead':
        return isReported(row) ? null : 'is dead, and nobody was told';
      case 'canceled':
        verdict.count('canceled');
        return config === undefined ? null : 'is canceled, and its endpoint is there';
      case 'skipped':
        verdict.count('skipped');
        return null;
      case 'pending': {
        if (config === undefined) return 'is pending, and its endpoint is not there';
        const isHopeless = plan.hopeless.includes(new URL(config.url).hostname);
        return !config.isEnabled || isHopeless ? null : 'is pending, and its endpoint is well';
      }
    }
  }
}

/** Retries of posts that failed apart do not all wait the same share of their rung. */
function checkJitter(jitters: readonly number[], verdict: Verdict): void {
  if (jitters.length < 8) return;
  const spread = Math.max(...jitters) - Math.min(...jitters);
  verdict.expect(spread > 0.01, () => `All retries waited the same share of their rung.`);
}
