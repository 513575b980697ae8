import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import {
  type Commit,
  type Engine,
  type Signal,
  type SqlValue,
  StoreUnavailable,
} from '../engine.ts';
import { createHealthWatch } from '../health-watch.ts';
import { createClaimQueue } from './claim/claim-queue.ts';
import { releaseLeases } from './claim/release-leases.ts';
import { CAPABILITIES, type Capabilities } from './connect/capabilities.ts';
import { parseDatabaseUrl } from './connect/connection-settings.ts';
import { createPool, send } from './connect/connections.ts';
import { faultOf, toUnavailable } from './connect/faults.ts';
import { insist } from './connect/insist.ts';
import { inspectServer } from './connect/inspect-server.ts';
import { createReadingKysely } from './connect/kysely.ts';
import { createSignals, type Signals } from './connect/signals.ts';
import { createTransactions, type Transactions } from './connect/transactions.ts';
import { migrate } from './schema/migrate.ts';
import { createPartitions } from './schema/partitions.ts';
import { createPurgeExpired } from './schema/purge-expired.ts';
import { catchUpPlaces, readLogEnd } from './write/log-order.ts';
import { createWriteQueue, refusalOf } from './write/write-queue.ts';
import { runAgain } from './write/writer.ts';

/** The one statement that asks for the time: what is stored is always given (nodes/keep-time.ts). */
const TELL_TIME = `SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS "timeMs"`;
/** What a probe writes: room for a batch of events. */
const PROBE_BYTES = 65_536;

export interface PostgresOptions {
  url: string;
  /** Of a standby for lists; null for none. */
  readUrl: string | null;
  /** Where NOTIFY is heard, when `url` leads to a pooler in transaction mode; null for the same. */
  listenUrl: string | null;
  clock: Clock;
  log: Log;
  /** Connections at once; most of them read. */
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
  // More of them at once cost more of the server's processors than they gain, unless commits take long.
  const flushes = Math.max(1, Math.round(options.poolSize / 6));
  // One for claims, one for what is done now and then.
  const writing = createPool(settings, flushes + 2);
  const reading = createPool(settings, Math.max(1, options.poolSize - flushes - 2));
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
    const listening = options.listenUrl === null ? settings : parseDatabaseUrl(options.listenUrl);
    const server = await inspectServer(writing);
    const capabilities = { ...CAPABILITIES[server.kind], ...options.capabilities };
    const name = randomBytes(9).toString('base64url');
    const transactions = createTransactions({
      pool: writing,
      clock: options.clock,
      forceSync: server.asynchronous,
      name,
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
      signals: capabilities.notify
        ? createSignals({
            settings: listening,
            transactions,
            name,
            clock: options.clock,
            log: options.log,
          })
        : null,
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
  transactions: Transactions;
  capabilities: Capabilities;
  writing: Pool;
  reading: Pool;
  listing: Pool;
  purgeExpired: ReturnType<typeof createPurgeExpired>;
  /** Null on a server that has no NOTIFY. */
  signals: Signals | null;
  flushes: number;
  closePools(): Promise<void>;
}

function createEngine(parts: Parts): Engine {
  const { transactions, capabilities, writing, reading, signals } = parts;
  let closing: Promise<void> | null = null;
  const watch = createHealthWatch({
    clock: parts.clock,
    probe: () => insist(probe),
    recovered: () => writes.resume(),
  });
  writing.on('error', () => watch.suspect());
  transactions.onDoubt((error) => watch.fail(toUnavailable('unreachable', error)));
  const writes = createWriteQueue({ transactions, capabilities, watch, flushes: parts.flushes });
  const { settled } = writes;
  const claims = createClaimQueue({ transactions, capabilities, watch, settled });

  /** Random bytes: what is compressed needs no new pages. */
  async function probe(): Promise<void> {
    await transactions.run((tx) =>
      tx.send('INSERT INTO posthorn.probe (raw) VALUES ($1)', [randomBytes(PROBE_BYTES)]),
    );
    await transactions.run((tx) => tx.send('DELETE FROM posthorn.probe'));
  }

  const read =
    (pool: Pool) =>
    async (sql: string, parameters: readonly SqlValue[]): Promise<unknown[]> => {
      const health = watch.health();
      if (!health.ok && health.code === 'closed') throw refusalOf(health);
      const { rows } = await insist(() => send(pool, sql, parameters));
      return rows;
    };

  /** A standby that does not answer is no reason to answer nobody. */
  async function readList(sql: string, parameters: readonly SqlValue[]): Promise<unknown[]> {
    try {
      return await read(parts.listing)(sql, parameters);
    } catch (error) {
      if (parts.listing === reading || faultOf(error) === null) throw error;
      return read(reading)(sql, parameters);
    }
  }

  async function end(): Promise<void> {
    await writes.settled();
    await claims.idle();
    const closed = new StoreUnavailable('closed', 'The store is closed.');
    watch.fail(closed);
    writes.abandon(closed);
    await signals?.close();
    await parts.closePools();
  }

  return {
    shared: true,
    db: createReadingKysely(read(reading)),
    lists: createReadingKysely(readList),
    logEnd: () => insist(() => readLogEnd(reading, capabilities)),
    doubtfulCommits: transactions.givenUp,
    async timeMs() {
      const { rows } = await insist(() => send<{ timeMs: number }>(reading, TELL_TIME));
      return rows[0]?.timeMs ?? null;
    },
    async commit(commit) {
      const appended = await writes.commit(commit);
      for (const signal of signalsOf(commit, parts.clock.now())) signals?.send(signal);
      return appended;
    },
    recordAttempt: writes.recordAttempt,
    claimDeliveries: claims.claimDeliveries,
    claimTransmissions: claims.claimTransmissions,
    async releaseLeases(input) {
      const outcome = await insist(() => runAgain(transactions, (tx) => releaseLeases(tx, input)));
      if (outcome.released > 0) signals?.send('work');
      return outcome;
    },
    purgeExpired: (input) => insist(() => parts.purgeExpired(input)),
    onSignal: (listener) => signals?.listen(listener),
    health: watch.health,
    onHealthChange: watch.onChange,
    close() {
      closing ??= end();
      return closing;
    },
  };
}

/** What others are told of a commit: that it changed something, or has left something to be done. */
function signalsOf({ events, statements }: Commit, nowMs: number): Set<Signal> {
  const signals = new Set(statements.flatMap(({ signal }) => signal ?? []));
  const isLeft = events.some(({ deliveries }) =>
    deliveries.some(
      ({ node, state, dueAtMs }) => node === null && state === 'pending' && dueAtMs <= nowMs,
    ),
  );
  if (isLeft) signals.add('work');
  return signals;
}
