import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { createGroupCommit } from '../../lib/group-commit.ts';
import {
  type AppendedEvent,
  type AttemptRecord,
  type ClaimedDeliveries,
  type ClaimedTransmissions,
  type Commit,
  type DeliveryClaim,
  type Engine,
  StoreConflict,
  StoreUnavailable,
  type TransmissionClaim,
} from '../engine.ts';
import { createHealthWatch } from '../health-watch.ts';
import { DATABASE_FILE, lockDataDirectory } from './data-directory.ts';
import { type DatabaseThread, startDatabaseThread } from './database-thread.ts';
import { createReadingKysely, readLogEnd } from './kysely.ts';
import type { CommitRows, Row, WriteBatch, WriteBatchResult } from './protocol.ts';
import { fromAppendedRow, toAttemptRow, toEventRow } from './rows.ts';

/** The most that one transaction takes; larger ones hold up a latency-sensitive commit behind them. */
const MAX_BATCH = 2_048;

/** How long a statement waits for a lock, ms. Only a foreign tool can hold one, and not for long. */
const BUSY_TIMEOUT_MS = 5_000;

type Task =
  | {
      kind: 'commit';
      commit: Commit;
      resolve(events: AppendedEvent[]): void;
      reject(e: Error): void;
    }
  | { kind: 'attempt'; attempt: AttemptRecord; resolve(): void; reject(e: Error): void }
  | {
      kind: 'claim';
      claim: DeliveryClaim;
      resolve(c: ClaimedDeliveries): void;
      reject(e: Error): void;
    }
  | {
      kind: 'claimMail';
      claim: TransmissionClaim;
      resolve(c: ClaimedTransmissions): void;
      reject(e: Error): void;
    };

/**
 * SQLite behind two threads: one writes, in one transaction at a time for everything that waits; the
 * other answers people's questions, so that a long list never holds up a commit.
 *
 * While the store is failing (health-watch.ts), commits and claims are refused at once and attempts wait,
 * because what a receiver has answered must not be forgotten.
 */
export async function openSqliteEngine(options: {
  folder: string;
  clock: Clock;
  maxSizeBytes?: number | null;
  busyTimeoutMs?: number;
}): Promise<Engine> {
  const lock = lockDataDirectory(options.folder);
  const data = {
    file: join(options.folder, DATABASE_FILE),
    maxSizeBytes: options.maxSizeBytes ?? null,
    busyTimeoutMs: options.busyTimeoutMs ?? BUSY_TIMEOUT_MS,
  };
  // Both load their code at the same time; there is nothing to read before the writer has made it.
  const writer = startDatabaseThread({ ...data, role: 'writer' });
  const reader = startDatabaseThread({ ...data, role: 'reader' });
  try {
    await writer.open();
    await reader.open();
    return createEngine(writer, reader, options.clock, lock.release);
  } catch (error) {
    for (const thread of [reader, writer]) await thread.close();
    lock.release();
    throw error;
  }
}

function createEngine(
  writer: DatabaseThread,
  reader: DatabaseThread,
  clock: Clock,
  releaseLock: () => void,
): Engine {
  let heldAttempts: Extract<Task, { kind: 'attempt' }>[] = [];
  let closing: Promise<void> | null = null;
  const queue = createGroupCommit<Task>({ flush, maxItems: MAX_BATCH });
  const watch = createHealthWatch({
    clock,
    probe: () => writer.ask({ kind: 'probe' }),
    recovered() {
      const attempts = heldAttempts;
      heldAttempts = [];
      for (const task of attempts) queue.add(task);
    },
  });
  const db = createReadingKysely((sql, parameters) =>
    reader.ask({ kind: 'read', sql, parameters }).then((rows) => rows as unknown[]),
  );

  async function flush(tasks: Task[]): Promise<() => void> {
    const health = watch.health();
    if (!health.ok) {
      const { code, detail } = health;
      return () => refuse(tasks, new StoreUnavailable(code, detail));
    }
    try {
      const result = await writer.ask({ kind: 'write', batch: batchOf(tasks) });
      return () => settle(tasks, result as WriteBatchResult);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      if (reason instanceof StoreUnavailable) watch.fail(reason);
      return () => refuse(tasks, reason);
    }
  }

  async function end(): Promise<void> {
    await queue.idle();
    const closed = new StoreUnavailable('closed', 'The store is closed.');
    watch.fail(closed);
    for (const task of heldAttempts.splice(0)) task.reject(closed);
    await reader.close();
    await writer.close();
    releaseLock();
  }

  function refuse(tasks: Task[], reason: Error): void {
    for (const task of tasks) {
      const canWait = reason instanceof StoreUnavailable && reason.code !== 'closed';
      if (task.kind === 'attempt' && canWait) heldAttempts.push(task);
      else task.reject(reason);
    }
  }

  return {
    shared: false,
    db,
    lists: db,
    logEnd: () => readLogEnd(db),
    timeMs: async () => null,
    // One file, one process: what was not answered was not stored.
    doubtfulCommits: () => 0,
    commit: (commit) =>
      new Promise((resolve, reject) => queue.add({ kind: 'commit', commit, resolve, reject })),
    recordAttempt: (attempt) =>
      new Promise((resolve, reject) => queue.add({ kind: 'attempt', attempt, resolve, reject })),
    claimDeliveries: (claim) =>
      new Promise((resolve, reject) => queue.add({ kind: 'claim', claim, resolve, reject })),
    claimTransmissions: (claim) =>
      new Promise((resolve, reject) => queue.add({ kind: 'claimMail', claim, resolve, reject })),
    releaseLeases: async ({ exceptNode, nowMs }) =>
      (await writer.ask({ kind: 'release', exceptNode, nowMs })) as { released: number },
    purgeExpired: async ({ nowMs, limit }) =>
      (await writer.ask({ kind: 'purge', nowMs, limit })) as { purged: number; more: boolean },
    // Nobody else works on it.
    onSignal() {},
    health: watch.health,
    onHealthChange: watch.onChange,
    close() {
      closing ??= end();
      return closing;
    },
  };
}

function batchOf(tasks: readonly Task[]): WriteBatch {
  const batch: WriteBatch = {
    commits: [],
    attempts: [],
    deliveryClaims: [],
    transmissionClaims: [],
  };
  for (const task of tasks) {
    if (task.kind === 'commit') batch.commits.push(toCommitRows(task.commit));
    else if (task.kind === 'attempt') batch.attempts.push(toAttemptRow(task.attempt));
    else if (task.kind === 'claim') batch.deliveryClaims.push(task.claim);
    else batch.transmissionClaims.push(task.claim);
  }
  return batch;
}

function toCommitRows(commit: Commit): CommitRows {
  return { events: commit.events.map(toEventRow), statements: commit.statements };
}

function toAppended(commit: Commit, rows: Row[]): AppendedEvent[] {
  return commit.events.map((event, i) => fromAppendedRow(event.id, rows[i] ?? []));
}

function settle(tasks: readonly Task[], result: WriteBatchResult): void {
  const commits = result.commits.values();
  const claims = result.deliveryClaims.values();
  const mailClaims = result.transmissionClaims.values();
  for (const task of tasks) {
    if (task.kind === 'attempt') task.resolve();
    else if (task.kind === 'claim') task.resolve(take(claims));
    else if (task.kind === 'claimMail') task.resolve(take(mailClaims));
    else {
      const outcome = take(commits);
      if (Array.isArray(outcome)) task.resolve(toAppended(task.commit, outcome));
      else if (outcome.isConflict) task.reject(new StoreConflict(outcome.message));
      else task.reject(new Error(`The database refused a statement: ${outcome.message}`));
    }
  }
}

function take<T>(values: Iterator<T>): T {
  const { value, done } = values.next();
  if (done === true) throw new Error('The database thread answered less than it was asked.');
  return value;
}
