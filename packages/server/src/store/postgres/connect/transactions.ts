import type { Pool, PoolClient } from 'pg';
import type { Clock } from '../../../lib/clock.ts';
import { type Parameter, type Rows, send } from './connections.ts';
import { isConnectionLost, toUnavailable } from './faults.ts';

export interface Transaction {
  /** Statements that are sent without waiting for each other share one round trip, and keep their order. */
  send<R = unknown>(text: string, values?: readonly Parameter[]): Promise<Rows<R>>;
  /** Sent with the writes: by this we find out what became of a commit whose answer was lost. */
  mark(): Promise<void>;
}

export interface Transactions {
  /**
   * Runs the work and commits it, durable when it resolves. Throws what pg throws, with nothing stored;
   * a commit whose answer is lost is looked up as soon as the database answers again.
   */
  run<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Called when nobody can tell what became of a commit: the database is gone, and `run` waits for it. */
  onDoubt(listener: (error: unknown) => void): void;
  /** How many commits were given up without knowing what became of them. */
  givenUp(): number;
}

export interface TransactionOptions {
  /** For work that may take minutes, and for which nobody waits: migrations, partitions. */
  slow?: boolean;
  /** How long it may wait for locks, ms; without it LOCK_TIMEOUT_MS. */
  lockTimeoutMs?: number;
  /** More settings of this transaction alone, as `name = value`. */
  settings?: readonly string[];
}

/** Below the time after which we give up the connection (connections.ts). */
const STATEMENT_TIMEOUT_MS = 15_000;
const SLOW_STATEMENT_TIMEOUT_MS = 600_000;
const LOCK_TIMEOUT_MS = 8_000;
/** A node that stops in the middle of a transaction lets go of its locks after this. */
const IDLE_TIMEOUT_MS = 10_000;

/** How long a lost commit is looked for, and how often, ms. */
const DOUBT_MS = 60_000;
const DOUBT_STEP_MS = 500;

/**
 * A transaction that matters leaves a mark: its number, in a row that no other one uses at the same time.
 * When the answer to its commit is lost, somebody who locks that row waits for it to end, and finds its
 * number there if it was committed. (Its xid would not do: after a crash one that was never written to
 * disk is given again, and pg_xact_status tells of the other.)
 */
export function createTransactions(options: {
  pool: Pool;
  clock: Clock;
  /** Commits are synced although the server's setting says otherwise. */
  forceSync: boolean;
  /** The rows for marks are named after it: one that no other process has. */
  name: string;
}): Transactions {
  const { pool, clock } = options;
  const doubtListeners: ((error: unknown) => void)[] = [];
  const freeSlots: string[] = [];
  let slots = 0;
  let marks = 0;
  let givenUp = 0;

  const takeSlot = (): string => {
    const free = freeSlots.pop();
    if (free !== undefined) return free;
    slots += 1;
    return `${options.name}/${slots}`;
  };

  function beginOf({ slow = false, lockTimeoutMs, settings = [] }: TransactionOptions): string {
    const all = [
      `statement_timeout = ${slow ? SLOW_STATEMENT_TIMEOUT_MS : STATEMENT_TIMEOUT_MS}`,
      `lock_timeout = ${lockTimeoutMs ?? (slow ? SLOW_STATEMENT_TIMEOUT_MS : LOCK_TIMEOUT_MS)}`,
      `idle_in_transaction_session_timeout = ${IDLE_TIMEOUT_MS}`,
      ...(options.forceSync ? ['synchronous_commit = on'] : []),
      ...settings,
    ];
    // One simple query: one message to the server for all of it.
    return ['BEGIN ISOLATION LEVEL READ COMMITTED', ...all.map((one) => `SET LOCAL ${one}`)].join(
      '; ',
    );
  }

  /** Whether the transaction with this mark was committed; null while nobody can tell. */
  async function statusOf({ slot, mark }: Mark): Promise<boolean | null> {
    const look = async (tx: Transaction): Promise<boolean> => {
      // The insert waits for one that was the first to use the row.
      const [, { rows }] = await all([
        tx.send(MARK_NOTHING, [slot, clock.now()]),
        tx.send<{ mark: number }>(READ_MARK, [slot]),
      ]);
      return rows[0]?.mark === mark;
    };
    try {
      return await run(look, {});
    } catch {
      return null;
    }
  }

  async function wasCommitted(mark: Mark, cause: unknown): Promise<boolean> {
    for (let waitedMs = 0; waitedMs <= DOUBT_MS; waitedMs += DOUBT_STEP_MS) {
      const committed = await statusOf(mark);
      if (committed !== null) return committed;
      if (waitedMs > 0) for (const listener of doubtListeners) listener(cause);
      await new Promise<void>((resolve) => clock.after(DOUBT_STEP_MS, resolve));
    }
    givenUp += 1;
    return false;
  }

  async function undo(client: PoolClient, error: unknown): Promise<void> {
    if (isConnectionLost(error)) return client.release(true);
    try {
      await send(client, 'ROLLBACK');
      client.release();
    } catch {
      client.release(true);
    }
  }

  async function commit(client: PoolClient, mark: Mark | null): Promise<void> {
    try {
      await send(client, 'COMMIT');
    } catch (error) {
      if (!isConnectionLost(error) || mark === null) {
        await undo(client, error);
        throw error;
      }
      client.release(true);
      if (await wasCommitted(mark, error)) return;
      throw toUnavailable('unreachable', error);
    }
    client.release();
  }

  async function run<T>(
    work: (tx: Transaction) => Promise<T>,
    settings: TransactionOptions,
  ): Promise<T> {
    const client = await pool.connect();
    const answerTimeoutMs = settings.slow === true ? SLOW_STATEMENT_TIMEOUT_MS * 1.1 : undefined;
    const left: Mark[] = [];
    const tx: Transaction = {
      send: (text, values) => send(client, text, values, answerTimeoutMs),
      async mark() {
        marks += 1;
        const one = { slot: takeSlot(), mark: marks };
        left.push(one);
        await tx.send(LEAVE_MARK, [one.slot, one.mark, clock.now()]);
      },
    };
    try {
      let result: T;
      try {
        // What the work sends goes out behind it at once; it fails there too if this fails.
        const begun = send(client, beginOf(settings));
        begun.catch(() => {});
        result = await work(tx);
        await begun;
      } catch (error) {
        await undo(client, error);
        throw error;
      }
      await commit(client, left[0] ?? null);
      return result;
    } finally {
      for (const { slot } of left) freeSlots.push(slot);
    }
  }

  return {
    run: (work, settings = {}) => run(work, settings),
    onDoubt: (listener) => doubtListeners.push(listener),
    givenUp: () => givenUp,
  };
}

interface Mark {
  slot: string;
  mark: number;
}

const LEAVE_MARK = `INSERT INTO posthorn.commit_marks (slot, mark, marked_at) VALUES ($1, $2, $3)
  ON CONFLICT (slot) DO UPDATE SET mark = excluded.mark, marked_at = excluded.marked_at`;
const MARK_NOTHING = `INSERT INTO posthorn.commit_marks (slot, mark, marked_at) VALUES ($1, 0, $2)
  ON CONFLICT (slot) DO NOTHING`;
const READ_MARK = 'SELECT mark FROM posthorn.commit_marks WHERE slot = $1 FOR UPDATE';

/** Waits for all, so that nothing is on its way any more, then throws what failed first. */
export async function all<T extends readonly unknown[]>(
  sent: {
    [K in keyof T]: Promise<T[K]>;
  },
): Promise<T> {
  const outcomes = await Promise.allSettled(sent);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return outcomes.map((one) => (one as PromiseFulfilledResult<unknown>).value) as unknown as T;
}
