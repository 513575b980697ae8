import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
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
  type SqlValue,
  StoreUnavailable,
  type TransmissionClaim,
} from '../engine.ts';
import { createHealthWatch } from '../health-watch.ts';
import { CAPABILITIES, type Capabilities } from './capabilities.ts';
import { CLAIM_SETTINGS, claimDeliveries } from './claim-deliveries.ts';
import { claimTransmissions } from './claim-transmissions.ts';
import { parseDatabaseUrl } from './connection-settings.ts';
import { createPool, send } from './connections.ts';
import { faultOf, isStale, toUnavailable } from './faults.ts';
import { createFlushQueue } from './flush-queue.ts';
import { inspectServer } from './inspect-server.ts';
import { createReadingKysely } from './kysely.ts';
import { catchUpPlaces, readLogEnd } from './log-order.ts';
import { migrate } from './migrate.ts';
import { createPartitions } from './partitions.ts';
import { createPurgeExpired } from './purge-expired.ts';
import { releaseLeases } from './release-leases.ts';
import { endpointKeyOf, stateKeyOf } from './row-keys.ts';
import { createTransactions, type Transaction, type TransactionOptions } from './transactions.ts';
import { linesOfAttempt, linesOfCommit, runAgain, writeBatch } from './writer.ts';

/** The most that one transaction takes; larger ones hold up a latency-sensitive commit behind them. */
const MAX_BATCH = 1_024;
const MAX_CLAIMS = 64;
/** As many connections may have ended at once as the pool has. */
const MAX_STALE = 20;
/** What a probe writes: room for a batch of events. */
const PROBE_BYTES = 65_536;

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

type ClaimTask =
  | {
      kind: 'deliveries';
      claim: DeliveryClaim;
      resolve(claimed: ClaimedDeliveries): void;
      reject(e: Error): void;
    }
  | {
      kind: 'transmissions';
      claim: TransmissionClaim;
      resolve(claimed: ClaimedTransmissions): void;
      reject(e: Error): void;
    };

export interface PostgresOptions {
  url: string;
  /** Of a standby for lists; null for none. */
  readUrl: string | null;
  clock: Clock;
  /** Connections at once, half of them for writing. */
  poolSize: number;
  /** In the place of what the server is known for. For tests. */
  capabilities?: Partial<Capabilities>;
  /** Partitions below this size are emptied row by row. For tests. */
  dropFromBytes?: number;
}

/**
 * PostgreSQL 15 and newer, over a few connections: some flush what piles up (flush-queue.ts), one
 * claims, the rest answers questions. Nothing is kept in a session, so that a pooler may stand between.
 *
 * Health: as on SQLite (health-watch.ts). While the database is failing, commits and claims are refused
 * at once and attempts wait, because what a receiver has answered must not be forgotten.
 */
export async function openPostgresEngine(options: PostgresOptions): Promise<Engine> {
  const settings = parseDatabaseUrl(options.url);
  const flushes = Math.max(1, Math.floor(options.poolSize / 3));
  // One for claims, one for what is done now and then.
  const writing = createPool(settings, flushes + 2);
  const reading = createPool(settings, Math.max(2, options.poolSize - flushes - 2));
  const listing =
    options.readUrl === null
      ? reading
      : createPool(parseDatabaseUrl(options.readUrl), options.poolSize);
  const pools = [...new Set([writing, reading, listing])];
  // What breaks a connection also fails the query on it; this is for those that nobody uses.
  for (const pool of pools) pool.on('connect', (client) => client.on('error', () => {}));
  const close = async (): Promise<void> => {
    for (const pool of pools) await pool.end();
  };
  try {
    for (const pool of pools) pool.on('error', () => {});
    const server = await inspectServer(writing);
    const capabilities = { ...CAPABILITIES[server.kind], ...options.capabilities };
    const transactions = createTransactions({
      pool: writing,
      clock: options.clock,
      capabilities,
      forceSync: server.asynchronous,
    });
    const nowMs = options.clock.now();
    await migrate(transactions, { capabilities, nowMs });
    await transactions.run(catchUpPlaces);
    const { dropFromBytes } = options;
    const partitions = capabilities.partitions
      ? createPartitions({
          pool: writing,
          transactions,
          ...(dropFromBytes === undefined ? {} : { dropFromBytes }),
        })
      : null;
    await partitions?.makeAhead(nowMs);
    const purgeExpired = createPurgeExpired({ transactions, partitions });
    const parts = {
      ...options,
      transactions,
      capabilities,
      writing,
      reading,
      listing,
      purgeExpired,
    };
    return createEngine({ ...parts, flushes, closePools: close });
  } catch (error) {
    await close();
    const fault = faultOf(error);
    throw fault === null ? error : toUnavailable(fault, error);
  }
}

interface Parts {
  clock: Clock;
  transactions: ReturnType<typeof createTransactions>;
  capabilities: Capabilities;
  writing: Pool;
  reading: Pool;
  listing: Pool;
  purgeExpired: ReturnType<typeof createPurgeExpired>;
  flushes: number;
  closePools(): Promise<void>;
}

function createEngine(parts: Parts): Engine {
  const { transactions, capabilities, writing, reading } = parts;
  let heldAttempts: AttemptTask[] = [];
  let closing: Promise<void> | null = null;

  const watch = createHealthWatch({
    clock: parts.clock,
    probe: () => guarded(() => probe()),
    recovered() {
      const attempts = heldAttempts;
      heldAttempts = [];
      for (const task of attempts) writes.add(task);
    },
  });
  writing.on('error', () => watch.suspect());

  const writes = createFlushQueue<WriteTask>({
    flush,
    keysOf,
    flushes: parts.flushes,
    maxItems: MAX_BATCH,
  });
  const claims = createGroupCommit<ClaimTask>({ flush: flushClaims, maxItems: MAX_CLAIMS });

  /** Random bytes: what is compressed needs no new pages. */
  async function probe(): Promise<void> {
    const insert = (tx: Transaction) =>
      tx.send('INSERT INTO posthorn.probe (raw) VALUES ($1)', [randomBytes(PROBE_BYTES)]);
    await transactions.run(insert);
    await transactions.run((tx) => tx.send('DELETE FROM posthorn.probe'));
  }

  /** What the database is at fault for comes out as StoreUnavailable. */
  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const fault = faultOf(error);
      throw fault === null ? error : toUnavailable(fault, error);
    }
  }

  /**
   * Again on another connection when one turns out to have ended since it was used last. What broke while
   * it was committing comes out decided (transactions.ts).
   */
  function insist<T>(work: () => Promise<T>): Promise<T> {
    return guarded(async () => {
      for (let tries = 1; ; tries++) {
        try {
          return await work();
        } catch (error) {
          if (!isStale(error) || tries === MAX_STALE) throw error;
        }
      }
    });
  }

  const maintain = <T>(
    work: (tx: Transaction) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T> => insist(() => runAgain(transactions, work, options));

  async function flush(tasks: WriteTask[]): Promise<void> {
    const health = watch.health();
    if (!health.ok) return refuse(tasks, new StoreUnavailable(health.code, health.detail));
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

  async function flushClaims(tasks: ClaimTask[]): Promise<() => void> {
    const health = watch.health();
    const fail = (error: Error) => () => {
      for (const task of tasks) task.reject(error);
    };
    if (!health.ok) return fail(new StoreUnavailable(health.code, health.detail));
    const deliveries = tasks.filter((task) => task.kind === 'deliveries');
    const transmissions = tasks.filter((task) => task.kind === 'transmissions');
    try {
      const [claimed, mail] = await maintain(
        async (tx) => {
          const wanted = deliveries.map(({ claim }) => claim);
          const found = await claimDeliveries(tx, wanted, capabilities);
          const queued: ClaimedTransmissions[] = [];
          for (const { claim } of transmissions) {
            queued.push(await claimTransmissions(tx, claim, capabilities));
          }
          await tx.identify();
          return [found, queued] as const;
        },
        { settings: CLAIM_SETTINGS },
      );
      return () => {
        for (const [i, task] of deliveries.entries()) {
          task.resolve(claimed[i] ?? { deliveries: [], nextDueAtMs: null });
        }
        for (const [i, task] of transmissions.entries()) {
          task.resolve(mail[i] ?? { transmissions: [], nextDueAtMs: null });
        }
      };
    } catch (error) {
      if (error instanceof StoreUnavailable) watch.fail(error);
      return fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Behind what this node has given the store before: the results that it knows of are in. */
  async function claim(task: ClaimTask): Promise<void> {
    await writes.settled();
    claims.add(task);
  }

  const read =
    (pool: Pool) =>
    (sql: string, parameters: readonly SqlValue[]): Promise<unknown[]> => {
      const health = watch.health();
      if (!health.ok && health.code === 'closed') {
        return Promise.reject(new StoreUnavailable(health.code, health.detail));
      }
      return insist(async () => (await send(pool, sql, parameters)).rows);
    };

  async function end(): Promise<void> {
    await writes.settled();
    await claims.idle();
    const closed = new StoreUnavailable('closed', 'The store is closed.');
    watch.fail(closed);
    for (const task of heldAttempts.splice(0)) task.reject(closed);
    await parts.closePools();
  }

  return {
    shared: true,
    db: createReadingKysely(read(reading)),
    lists: createReadingKysely(read(parts.listing)),
    logEnd: () => insist(() => readLogEnd(reading, capabilities)),
    commit: (commit) =>
      new Promise((resolve, reject) => writes.add({ kind: 'commit', commit, resolve, reject })),
    recordAttempt: (attempt) =>
      new Promise((resolve, reject) => writes.add({ kind: 'attempt', attempt, resolve, reject })),
    claimDeliveries: (one) =>
      new Promise((resolve, reject) => {
        void claim({ kind: 'deliveries', claim: one, resolve, reject });
      }),
    claimTransmissions: (one) =>
      new Promise((resolve, reject) => {
        void claim({ kind: 'transmissions', claim: one, resolve, reject });
      }),
    releaseLeases: (input) => maintain((tx) => releaseLeases(tx, input)),
    purgeExpired: (input) => insist(() => parts.purgeExpired(input)),
    health: watch.health,
    onHealthChange: watch.onChange,
    close() {
      closing ??= end();
      return closing;
    },
  };
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
