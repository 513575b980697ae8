import { type GatheredOutcome, gatherPuts } from './gather-puts.ts';
import type {
  ClaimedEntry,
  DeadEntry,
  Inbox,
  InboxBatch,
  InboxStats,
  PutOutcome,
} from './inbox.ts';
import { checkTableName, named } from './table-name.ts';

/** What is needed of `DatabaseSync` of node:sqlite, or of `Database` of better-sqlite3. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

export interface SqliteStatement {
  run(...values: (string | number | null)[]): { changes: number | bigint };
  get(...values: (string | number | null)[]): unknown;
  all(...values: (string | number | null)[]): unknown[];
}

export interface SqliteInboxOptions {
  /** A connection of the inbox's own, to a file of your own choice; you close it. */
  database: SqliteDatabase;
  table?: string;
}

/** How long a statement waits for another process, ms. The event loop waits with it. */
const BUSY_TIMEOUT_MS = 2_000;

/**
 * An inbox in a SQLite file. `open` switches the file to WAL, and what is put is synced, so what was
 * acknowledged survives a power failure. Several processes of one machine may share the file.
 */
export function createSqliteInbox({
  database,
  table = 'posthorn_inbox',
}: SqliteInboxOptions): Inbox {
  checkTableName(table);
  const statements = new Map<string, SqliteStatement>();
  /** Prepared once; `inbox` and `replays` stand for the tables. */
  const prepare = (text: string): SqliteStatement => {
    const found = statements.get(text) ?? database.prepare(named(text, table));
    statements.set(text, found);
    return found;
  };

  function inTransaction<T>(work: () => T): T {
    // IMMEDIATE: a transaction that reads first and writes then could find that another wrote meanwhile.
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      rollBack(database);
      throw error;
    }
  }

  function put(batch: InboxBatch): PutOutcome {
    const { queue, nowMs, retainUntilMs, replay } = batch;
    if (replay !== null) {
      const seen = prepare(REMEMBER_REPLAY).get(
        queue,
        replay.key,
        replay.digest,
        retainUntilMs,
        nowMs,
      ) as { digest: string };
      if (seen.digest !== replay.digest) return { replayed: true };
    }
    const fresh = batch.entries.filter(({ key, lane, event }) => {
      const values = [queue, key, lane, event, nowMs, nowMs, retainUntilMs];
      return Number(prepare(INSERT).run(...values).changes) === 1;
    });
    return { replayed: false, fresh: fresh.map(({ key }) => key) };
  }

  /**
   * Only this has to be on the disk when it resolves, and a sync covers what was written before it. What
   * is lost of the rest by a power failure is that a handler had run: it runs again.
   */
  function commitPuts(batches: readonly InboxBatch[]): GatheredOutcome[] {
    database.exec('PRAGMA synchronous = FULL');
    try {
      return inTransaction(() => batches.map(tryPut));
    } finally {
      database.exec('PRAGMA synchronous = NORMAL');
    }
  }

  function tryPut(batch: InboxBatch): GatheredOutcome {
    database.exec('SAVEPOINT one');
    try {
      return { outcome: put(batch) };
    } catch (error) {
      database.exec('ROLLBACK TO one');
      return { error };
    } finally {
      database.exec('RELEASE one');
    }
  }

  const changes = (text: string, values: (string | number | null)[]): boolean =>
    Number(prepare(text).run(...values).changes) === 1;

  return {
    async open() {
      database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
      database.exec('PRAGMA journal_mode = WAL');
      database.exec('PRAGMA synchronous = NORMAL');
      database.exec(named(SCHEMA, table));
      return { warnings: [] };
    },
    put: gatherPuts(commitPuts),
    claim: async ({ queue, lease, nowMs, leaseMs, limit }) =>
      inTransaction(() => {
        const rows = prepare(DUE).all(queue, nowMs, limit) as Omit<ClaimedEntry, 'lease'>[];
        for (const { key } of rows) prepare(LEASE).run(lease, nowMs + leaseMs, queue, key);
        return rows.map((row) => ({ ...row, lease }));
      }),
    renew: async (queue, held, untilMs) =>
      inTransaction(() =>
        held
          .filter(({ key, lease }) => changes(RENEW, [untilMs, queue, key, lease]))
          .map(({ key }) => key),
      ),
    finish: async (queue, { key, lease }) => changes(FINISH, [queue, key, lease]),
    postpone: async (queue, { key, lease }, { dueMs, error }) =>
      changes(POSTPONE, [dueMs, error, queue, key, lease]),
    bury: async (queue, { key, lease }, { retainUntilMs, error }) =>
      changes(BURY, [retainUntilMs, error, queue, key, lease]),
    listDead: async (queue, { limit, before = Number.MAX_SAFE_INTEGER }) =>
      prepare(LIST_DEAD)
        .all(queue, before, limit)
        .map((row) => ({ ...(row as DeadEntry) })),
    revive: async (queue, key, nowMs) => changes(REVIVE, [nowMs, queue, key]),
    discard: async (queue, key) => changes(DISCARD, [queue, key]),
    stats: async (queue) => ({ ...(prepare(STATS).get(queue) as InboxStats) }),
    purge: async (queue, nowMs, limit) =>
      inTransaction(
        () =>
          Number(prepare(PURGE).run(queue, nowMs, limit).changes) +
          Number(prepare(PURGE_REPLAYS).run(queue, nowMs, limit).changes),
      ),
  };
}

function rollBack(database: SqliteDatabase): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // SQLite has done it already when the disk is full or the file is damaged.
  }
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS inbox (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL,
  key TEXT NOT NULL,
  lane TEXT,
  event TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending',
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL,
  lease TEXT,
  received_at INTEGER NOT NULL,
  retain_until INTEGER NOT NULL,
  error TEXT NOT NULL DEFAULT '',
  UNIQUE (queue, key)
) STRICT;
CREATE INDEX IF NOT EXISTS inbox_due ON inbox (queue, due_at, position) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS inbox_lane ON inbox (queue, lane, position)
  WHERE state = 'pending' AND lane IS NOT NULL;
CREATE INDEX IF NOT EXISTS inbox_dead ON inbox (queue, position) WHERE state = 'dead';
CREATE INDEX IF NOT EXISTS inbox_old ON inbox (queue, retain_until) WHERE state <> 'pending';
CREATE TABLE IF NOT EXISTS replays (
  queue TEXT NOT NULL,
  key TEXT NOT NULL,
  digest TEXT NOT NULL,
  retain_until INTEGER NOT NULL,
  PRIMARY KEY (queue, key)
) STRICT, WITHOUT ROWID;
`;

/** Gives the digest that stands there: the one before, unless its time has ended. */
const REMEMBER_REPLAY = `
INSERT INTO replays (queue, key, digest, retain_until) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (queue, key) DO UPDATE SET
  digest = CASE WHEN retain_until <= ?5 THEN excluded.digest ELSE digest END,
  retain_until = max(retain_until, excluded.retain_until)
RETURNING digest`;

const INSERT = `
INSERT INTO inbox (queue, key, lane, event, due_at, received_at, retain_until)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (queue, key) DO NOTHING`;

const DUE = `
SELECT key, lane, event, attempts + 1 AS attempt, received_at AS receivedAtMs
FROM inbox AS one
WHERE queue = ? AND state = 'pending' AND due_at <= ?
  AND (lane IS NULL OR NOT EXISTS (
    SELECT 1 FROM inbox AS earlier
    WHERE earlier.queue = one.queue AND earlier.lane = one.lane
      AND earlier.state = 'pending' AND earlier.position < one.position))
ORDER BY due_at, position
LIMIT ?`;

const LEASE = `
UPDATE inbox SET lease = ?, due_at = ?, attempts = attempts + 1 WHERE queue = ? AND key = ?`;

const HELD = `WHERE queue = ? AND key = ? AND lease = ? AND state = 'pending'`;
const RENEW = `UPDATE inbox SET due_at = ? ${HELD}`;
const FINISH = `UPDATE inbox SET state = 'done', event = '', error = '', lease = NULL ${HELD}`;
const POSTPONE = `UPDATE inbox SET due_at = ?, error = ?, lease = NULL ${HELD}`;
const BURY = `UPDATE inbox SET state = 'dead', retain_until = ?, error = ?, lease = NULL ${HELD}`;

const DEAD = `WHERE queue = ? AND key = ? AND state = 'dead'`;
const REVIVE = `
UPDATE inbox SET state = 'pending', attempts = 0, due_at = ?, lane = NULL ${DEAD}`;
const DISCARD = `UPDATE inbox SET state = 'done', event = '', error = '' ${DEAD}`;

const LIST_DEAD = `
SELECT key, event, attempts, received_at AS receivedAtMs, error, position
FROM inbox WHERE queue = ? AND state = 'dead' AND position < ?
ORDER BY position DESC LIMIT ?`;

/** Each from the index over what waits or what is dead, so that what is done costs nothing. */
const STATS = `
SELECT
  (SELECT count(*) FROM inbox WHERE queue = ?1 AND state = 'pending') AS pending,
  (SELECT count(*) FROM inbox WHERE queue = ?1 AND state = 'dead') AS dead,
  (SELECT min(received_at) FROM inbox WHERE queue = ?1 AND state = 'pending') AS oldestPendingMs,
  (SELECT received_at FROM inbox WHERE queue = ?1 ORDER BY position DESC LIMIT 1) AS lastReceivedMs`;

const PURGE = `
DELETE FROM inbox WHERE position IN (
  SELECT position FROM inbox
  WHERE queue = ? AND state <> 'pending' AND retain_until <= ? LIMIT ?)`;

const PURGE_REPLAYS = `
DELETE FROM replays WHERE (queue, key) IN (
  SELECT queue, key FROM replays WHERE queue = ? AND retain_until <= ? LIMIT ?)`;
