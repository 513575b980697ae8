import type { Plan } from './plan/draw-plan.ts';
import type { RunResult } from './simulate.ts';
import { FEATS, type Feat } from './watch/verdict.ts';

/** What a person needs to find out why a run failed. */
export function describeFailure({ seed, failure, plan, trace }: RunResult, lines = 60): string {
  return [
    `Seed ${seed}: ${failure}`,
    `Again, with every step: npm run simulate -- --seed ${seed}`,
    '',
    describePlan(plan),
    '',
    `The last steps, with seconds since the start:`,
    ...trace.lines().slice(-lines),
  ].join('\n');
}

/** What the seed has drawn, but for the many things that people do, which stand in the trace. */
export function describePlan(plan: Plan): string {
  const { actions, endpoints, sites, ...rest } = plan;
  return [
    ...Object.entries(rest).map(([name, value]) => `${name}: ${JSON.stringify(value)}`),
    ...endpoints.map(({ settings, ...endpoint }, i) => {
      const { order, batch, coalesceMs, ratePerSecond, concurrency, timeoutMs } = settings;
      const { patienceMs, retryLadder } = settings;
      const decided = { order, batch, coalesceMs, ratePerSecond, concurrency, timeoutMs };
      return `ep${i}: ${JSON.stringify({ ...endpoint, ...decided, patienceMs, retryLadder })}`;
    }),
    ...sites.map(({ hostname, moods }) => {
      const story = moods.map(({ forMs, mood }) => `${mood} for ${forMs / 1_000} s`);
      return `${hostname}: ${story.join(', ')}`;
    }),
    `actions: ${actions.length}`,
  ].join('\n');
}

/** How often each thing happened in all of these runs. */
export function sumCounts(results: readonly Pick<RunResult, 'counts'>[]): Map<Feat, number> {
  return new Map(
    FEATS.map((feat) => [feat, results.reduce((sum, { counts }) => sum + (counts[feat] ?? 0), 0)]),
  );
}
