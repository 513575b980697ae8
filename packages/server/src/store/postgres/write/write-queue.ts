import {
  type AppendedEvent,
  type AttemptRecord,
  type Commit,
  type StoreHealth,
  StoreUnavailable,
} from '../../engine.ts';
import type { HealthWatch } from '../../health-watch.ts';
import type { Capabilities } from '../connect/capabilities.ts';
import { insist } from '../connect/insist.ts';
import type { Transactions } from '../connect/transactions.ts';
import { createFlushQueue } from './flush-queue.ts';
import { endpointKeyOf, stateKeyOf } from './row-keys.ts';
import { linesOfAttempt, linesOfCommit, writeBatch } from './writer.ts';

/** The most that one transaction takes; larger ones hold up a latency-sensitive commit behind them. */
const MAX_BATCH = 1_024;

type CommitTask = {
  kind: 'commit';
  commit: Commit;
  resolve(events: AppendedEvent[]): void;
  reject(e: Error): void;
};
type AttemptTask = {
  kind: 'attempt';
  attempt: AttemptRecord;
  resolve(): void;
  reject(e: Error): void;
};
type WriteTask = CommitTask | AttemptTask;

/**
 * Commits and attempts on their way to the database. While that is failing, commits are refused at once
 * and attempts wait, because what a receiver has answered must not be forgotten.
 */
export interface WriteQueue {
  commit(commit: Commit): Promise<AppendedEvent[]>;
  recordAttempt(attempt: AttemptRecord): Promise<void>;
  /** The attempts that waited go on their way. */
  resume(): void;
  /** Those that wait still are refused. */
  abandon(reason: StoreUnavailable): void;
  /** Resolves when everything that was given before has been flushed. */
  settled(): Promise<void>;
}

export function createWriteQueue(options: {
  transactions: Transactions;
  capabilities: Capabilities;
  watch: Pick<HealthWatch, 'health' | 'fail' | 'onChange'>;
  /** Transactions at once. */
  flushes: number;
}): WriteQueue {
  const { transactions, capabilities, watch } = options;
  let heldAttempts: AttemptTask[] = [];
  const queue = createFlushQueue<WriteTask>({
    flush,
    keysOf,
    flushes: options.flushes,
    maxItems: MAX_BATCH,
  });

  async function flush(tasks: WriteTask[]): Promise<void> {
    const commits = tasks.filter((task) => task.kind === 'commit');
    const attempts = tasks.filter((task) => task.kind === 'attempt');
    const batch = {
      commits: commits.map(({ commit }) => commit),
      attempts: attempts.map(({ attempt }) => attempt),
    };
    try {
      const outcomes = await insist(() => writeBatch(transactions, batch, capabilities));
      for (const task of attempts) task.resolve();
      for (const [i, task] of commits.entries()) {
        const outcome = outcomes[i];
        if (Array.isArray(outcome)) task.resolve(outcome);
        else task.reject(outcome ?? new Error('A commit was left without an outcome.'));
      }
    } catch (error) {
      if (error instanceof StoreUnavailable) watch.fail(error);
      refuse(tasks, error);
    }
  }

  function refuse(tasks: readonly WriteTask[], reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error(String(reason));
    const canWait = error instanceof StoreUnavailable && error.code !== 'closed';
    for (const task of tasks) {
      if (task.kind === 'attempt' && canWait) heldAttempts.push(task);
      else task.reject(error);
    }
  }

  // Those under way may wait long for what became of them; nobody else waits for that.
  watch.onChange((health) => {
    if (!health.ok) refuse(queue.takeWaiting(), refusalOf(health));
  });

  function add(task: WriteTask): void {
    const health = watch.health();
    if (health.ok) queue.add(task);
    else refuse([task], refusalOf(health));
  }

  return {
    commit: (commit) =>
      new Promise((resolve, reject) => add({ kind: 'commit', commit, resolve, reject })),
    recordAttempt: (attempt) =>
      new Promise((resolve, reject) => add({ kind: 'attempt', attempt, resolve, reject })),
    resume() {
      // In the order in which they were made, whoever gave up first: ids count up within a process.
      const attempts = heldAttempts.sort((a, b) => compareIds(a.attempt, b.attempt));
      heldAttempts = [];
      for (const task of attempts) queue.add(task);
    },
    abandon(reason) {
      for (const task of heldAttempts.splice(0)) task.reject(reason);
    },
    settled: queue.settled,
  };
}

function compareIds(a: AttemptRecord, b: AttemptRecord): number {
  if (a.attemptId === b.attemptId) return 0;
  return a.attemptId < b.attemptId ? -1 : 1;
}

export function refusalOf(health: StoreHealth & { ok: false }): StoreUnavailable {
  return new StoreUnavailable(health.code, health.detail);
}

/** What may not be under way in two flushes at once, and stays in its order. */
function keysOf(task: WriteTask): string[] {
  const lines = task.kind === 'commit' ? linesOfCommit(task.commit) : linesOfAttempt(task.attempt);
  const keys = lines.map((one) => `line ${endpointKeyOf(one)}`);
  if (task.kind === 'attempt') return keys;
  const { events, statements } = task.commit;
  for (const event of events) {
    const key = stateKeyOf(event);
    if (key !== null) keys.push(key);
  }
  // Changes of settings, of jobs, of what was noticed: few, and one may follow upon the other.
  if (events.length === 0 && statements.length > 0) keys.push('statements');
  return keys;
}
