import type { Pool, PoolClient } from 'pg';
import type { Clock } from '../../lib/clock.ts';
import type { Capabilities } from './capabilities.ts';
import { type Parameter, type Rows, send } from './connections.ts';
import { isConnectionLost, toUnavailable } from './faults.ts';

export interface Transaction {
  /** Statements that are sent without waiting for each other share one round trip, and keep their order. */
  send<R = unknown>(text: string, values?: readonly Parameter[]): Promise<Rows<R>>;
  /** Sent with the last writes: by this we find out what became of a commit whose answer was lost. */
  identify(): Promise<void>;
}

export interface Transactions {
  /**
   * Runs the work and commits it, durable when it resolves. Throws what pg throws, with nothing stored;
   * a commit whose answer is lost is looked up as soon as the database answers again.
   */
  run<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Called when nobody can tell what became of a commit: the database is gone, and `run` waits for it. */
  onDoubt(listener: (error: unknown) => void): void;
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

export function createTransactions(options: {
  pool: Pool;
  clock: Clock;
  capabilities: Pick<Capabilities, 'transactionStatus'>;
  /** Commits are synced although the server's setting says otherwise. */
  forceSync: boolean;
}): Transactions {
  const { pool, clock, capabilities } = options;
  const doubtListeners: ((error: unknown) => void)[] = [];

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

  /** Whether this transaction was committed; null while nobody can tell. */
  async function statusOf(id: string): Promise<boolean | null> {
    try {
      const { rows } = await pool.query('SELECT pg_xact_status($1::xid8) AS status', [id]);
      const status: unknown = rows[0]?.status;
      return status === 'in progress' ? null : status === 'committed';
    } catch {
      return null;
    }
  }

  async function wasCommitted(id: string, cause: unknown): Promise<boolean> {
    for (let waitedMs = 0; waitedMs <= DOUBT_MS; waitedMs += DOUBT_STEP_MS) {
      const committed = await statusOf(id);
      if (committed !== null) return committed;
      if (waitedMs > 0) for (const listener of doubtListeners) listener(cause);
      await new Promise<void>((resolve) => clock.after(DOUBT_STEP_MS, resolve));
    }
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

  async function commit(client: PoolClient, id: string | null): Promise<void> {
    try {
      await send(client, 'COMMIT');
    } catch (error) {
      if (!isConnectionLost(error) || id === null) {
        await undo(client, error);
        throw error;
      }
      client.release(true);
      if (await wasCommitted(id, error)) return;
      throw toUnavailable('unreachable', error);
    }
    client.release();
  }

  return {
    async run(work, settings = {}) {
      const client = await pool.connect();
      const answerTimeoutMs = settings.slow === true ? SLOW_STATEMENT_TIMEOUT_MS * 1.1 : undefined;
      let id: string | null = null;
      const tx: Transaction = {
        send: (text, values) => send(client, text, values, answerTimeoutMs),
        async identify() {
          if (!capabilities.transactionStatus) return;
          const text = 'SELECT pg_current_xact_id_if_assigned()::text AS id';
          const { rows } = await send<{ id: string | null }>(client, text);
          id = rows[0]?.id ?? null;
        },
      };
      let result: Awaited<ReturnType<typeof work>>;
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
      await commit(client, id);
      return result;
    },
    onDoubt: (listener) => doubtListeners.push(listener),
  };
}

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
