/**
 * `npm run simulate [-- --seeds 5000] [--from 1] [--sqlite]`: the webhook engine in many simulated
 * worlds. `--seed 123` runs one of them and prints every step.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  describeFailure,
  describePlan,
  sumCounts,
} from '../packages/server/src/webhooks/simulation/describe-run.ts';
import { onSqlite } from '../packages/server/src/webhooks/simulation/open-database.ts';
import {
  type RunOptions,
  type RunResult,
  simulate,
} from '../packages/server/src/webhooks/simulation/simulate.ts';

const PROGRESS_EVERY = 500;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    scale: { type: 'string', default: '1' },
    seed: { type: 'string' },
    sqlite: { type: 'boolean', default: false },
  },
});
const print = (text: string): unknown => process.stdout.write(`${text}\n`);
const scale = Number(values.scale);

async function runOnSqlite(options: RunOptions): Promise<RunResult> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-simulation-'));
  try {
    return await simulate({ ...options, openStore: onSqlite(folder) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const run = (seed: number): Promise<RunResult> =>
  values.sqlite ? runOnSqlite({ seed, scale }) : simulate({ seed, scale });

async function runOne(seed: number): Promise<boolean> {
  const { plan, trace, failure, steps } = await run(seed);
  print(describePlan(plan));
  for (const line of trace.lines()) print(line);
  print(`${steps} steps: ${failure ?? 'all rules were kept'}`);
  return failure === null;
}

async function runMany(from: number, count: number): Promise<boolean> {
  const failed: RunResult[] = [];
  const counts: Pick<RunResult, 'counts'>[] = [];
  let steps = 0;
  for (let seed = from; seed < from + count; seed++) {
    const result = await run(seed);
    steps += result.steps;
    counts.push({ counts: result.counts });
    if (result.failure !== null) {
      failed.push(result);
      print(failed.length === 1 ? describeFailure(result) : `Seed ${seed}: ${result.failure}`);
    }
    if ((seed - from + 1) % PROGRESS_EVERY === 0) {
      print(`${seed - from + 1} seeds, ${steps} steps, ${failed.length} failed`);
    }
  }
  const met = [...sumCounts(counts)].map(([feat, times]) => `${feat}: ${times}`);
  print(`They met: ${met.join(', ')}`);
  print(`${count} seeds, ${steps} steps, ${failed.length} failed`);
  return failed.length === 0;
}

const isKept =
  values.seed === undefined
    ? await runMany(Number(values.from), Number(values.seeds))
    : await runOne(Number(values.seed));
process.exitCode = isKept ? 0 : 1;
