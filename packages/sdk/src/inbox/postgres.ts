import type { ClaimedEntry, DeadEntry, Inbox, InboxStats, Lease, PutOutcome } from './inbox.ts';
import { checkTableName, named } from './table-name.ts';

/** What is needed of a `Pool` or `Client` of `pg`. Values are texts, numbers, `null` and lists of these. */
export interface PostgresClient {
  query(text: string, values: unknown[]): Promise<{ rows: unknown[] }>;
}

export interface PostgresInboxOptions {
  /** Used one statement at a time, so any pool will do; you end it. */
  client: PostgresClient;
  table?: string;
}

/** Serialises `open` of several processes, which would trip over each other making the tables. */
const OPEN_LOCK = 7_264_113;

/**
 * An inbox in two tables of a PostgreSQL database (12 and newer). Every call is one statement, and so
 * one transaction. As durable as `synchronous_commit` of the connection says; the default is.
 */
export function createPostgresInbox({
  client,
  table = 'posthorn_inbox',
}: PostgresInboxOptions): Inbox {
  checkTableName(table);

  async function query<Row>(text: string, values: unknown[]): Promise<Row[]> {
    return (await client.query(named(text, table), values)).rows as Row[];
  }
  const changes = async (text: string, values: unknown[]): Promise<boolean> =>
    (await query(`${text} RETURNING 1`, values)).length === 1;

  return {
    async open() {
      const [found] = await query<{ oid: unknown }>("SELECT to_regclass('replays') AS oid", []);
      // As one text without values these are one transaction, which the lock lasts for.
      if ((found?.oid ?? null) === null) await query(SCHEMA, []);
      return { warnings: [] };
    },

    async put({ queue, entries, nowMs, retainUntilMs, replay }): Promise<PutOutcome> {
      const [row] = await query<{ ok: boolean; fresh: string[] }>(PUT, [
        queue,
        replay?.key ?? null,
        replay?.digest ?? null,
        nowMs,
        retainUntilMs,
        entries.map(({ key }) => key),
        entries.map(({ lane }) => lane),
        entries.map(({ event }) => event),
      ]);
      return row?.ok === true ? { replayed: false, fresh: row.fresh } : { replayed: true };
    },

    async claim({ queue, lease, nowMs, leaseMs, limit }) {
      const rows = await query<ClaimedRow>(CLAIM, [queue, nowMs, limit, lease, nowMs + leaseMs]);
      return rows
        .sort((a, b) => Number(a.was_due) - Number(b.was_due) || a.position - b.position)
        .map(
          ({ key, lane, event, attempts, received_at }): ClaimedEntry => ({
            key,
            lane,
            event,
            lease,
            attempt: attempts,
            receivedAtMs: Number(received_at),
          }),
        );
    },

    async renew(queue, held, untilMs) {
      const rows = await query<{ key: string }>(RENEW, [
        queue,
        held.map(({ key }) => key),
        held.map(({ lease }) => lease),
        untilMs,
      ]);
      return rows.map(({ key }) => key);
    },
    finish: (queue, lease) => changes(FINISH, heldBy(queue, lease)),
    postpone: (queue, lease, { dueMs, error }) =>
      changes(POSTPONE, [...heldBy(queue, lease), dueMs, error]),
    bury: (queue, lease, { retainUntilMs, error }) =>
      changes(BURY, [...heldBy(queue, lease), retainUntilMs, error]),

    async listDead(queue, { limit, before = Number.MAX_SAFE_INTEGER }) {
      const rows = await query<DeadRow>(LIST_DEAD, [queue, before, limit]);
      return rows.map(
        ({ received_at, position, ...row }): DeadEntry => ({
          ...row,
          receivedAtMs: Number(received_at),
          position: Number(position),
        }),
      );
    },
    revive: (queue, key, nowMs) => changes(REVIVE, [queue, key, nowMs]),
    discard: (queue, key) => changes(DISCARD, [queue, key]),

    async stats(queue): Promise<InboxStats> {
      const [row] = await query<Record<string, string | null>>(STATS, [queue]);
      return {
        pending: Number(row?.['pending']),
        dead: Number(row?.['dead']),
        oldestPendingMs: numberOrNull(row?.['oldest']),
        lastReceivedMs: numberOrNull(row?.['last']),
      };
    },

    async purge(queue, nowMs, limit) {
      const [row] = await query<{ purged: string }>(PURGE, [queue, nowMs, limit]);
      return Number(row?.purged);
    },
  };
}

/** `bigint` comes as text. */
interface ClaimedRow {
  key: string;
  lane: string | null;
  event: string;
  attempts: number;
  received_at: string;
  was_due: string;
  position: number;
}

interface DeadRow {
  key: string;
  event: string;
  attempts: number;
  received_at: string;
  error: string;
  position: string;
}

const heldBy = (queue: string, { key, lease }: Lease): unknown[] => [queue, key, lease];

function numberOrNull(value: string | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

const SCHEMA = `
SELECT pg_advisory_xact_lock(${OPEN_LOCK});
CREATE TABLE IF NOT EXISTS inbox (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queue text NOT NULL,
  key text NOT NULL,
  lane text,
  event text NOT NULL,
  state text NOT NULL DEFAULT 'pending',
  attempts integer NOT NULL DEFAULT 0,
  due_at bigint NOT NULL,
  lease text,
  received_at bigint NOT NULL,
  retain_until bigint NOT NULL,
  error text NOT NULL DEFAULT '',
  UNIQUE (queue, key)
);
CREATE INDEX IF NOT EXISTS inbox_due ON inbox (queue, due_at, position) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS inbox_lane ON inbox (queue, lane, position)
  WHERE state = 'pending' AND lane IS NOT NULL;
CREATE INDEX IF NOT EXISTS inbox_dead ON inbox (queue, position) WHERE state = 'dead';
CREATE INDEX IF NOT EXISTS inbox_old ON inbox (queue, retain_until) WHERE state <> 'pending';
CREATE TABLE IF NOT EXISTS replays (
  queue text NOT NULL,
  key text NOT NULL,
  digest text NOT NULL,
  retain_until bigint NOT NULL,
  PRIMARY KEY (queue, key)
);`;

/**
 * One statement, so that a replay stores nothing. A duplicate whose first one is not committed yet
 * waits for it: "known" is never said of what may still be lost.
 */
const PUT = `
WITH remembered AS (
  INSERT INTO replays AS old (queue, key, digest, retain_until)
  SELECT $1::text, $2::text, $3::text, $5::bigint WHERE $2::text IS NOT NULL
  ON CONFLICT (queue, key) DO UPDATE SET
    digest = CASE WHEN old.retain_until <= $4::bigint THEN excluded.digest ELSE old.digest END,
    retain_until = greatest(old.retain_until, excluded.retain_until)
  RETURNING digest
), verdict AS (
  SELECT NOT EXISTS (SELECT 1 FROM remembered WHERE digest <> $3::text) AS ok
), stored AS (
  INSERT INTO inbox (queue, key, lane, event, due_at, received_at, retain_until)
  SELECT $1::text, given.key, given.lane, given.event, $4::bigint, $4::bigint, $5::bigint
  FROM unnest($6::text[], $7::text[], $8::text[]) WITH ORDINALITY AS given (key, lane, event, place)
  WHERE (SELECT ok FROM verdict)
  ORDER BY given.place
  ON CONFLICT (queue, key) DO NOTHING
  RETURNING key
)
SELECT (SELECT ok FROM verdict) AS ok, ARRAY(SELECT key FROM stored) AS fresh`;

/**
 * Rows that another process is claiming are skipped. It is looked at again whether a row is due once it
 * is locked, since the other may have committed in between; SELECT ... FOR UPDATE does that by itself.
 * A position may become visible after a later one of its lane: hence the look at leases too.
 */
const CLAIM = `
WITH due AS MATERIALIZED (
  SELECT position, due_at FROM inbox AS one
  WHERE queue = $1::text AND state = 'pending' AND due_at <= $2::bigint
    AND (lane IS NULL OR NOT EXISTS (
      SELECT 1 FROM inbox AS earlier
      WHERE earlier.queue = one.queue AND earlier.lane = one.lane
        AND earlier.state = 'pending' AND (earlier.position < one.position
          OR (earlier.lease IS NOT NULL AND earlier.due_at > $2::bigint))))
  ORDER BY due_at, position
  LIMIT $3::integer
  FOR UPDATE OF one SKIP LOCKED
)
UPDATE inbox AS one SET lease = $4::text, due_at = $5::bigint, attempts = one.attempts + 1
FROM due WHERE one.position = due.position
RETURNING one.key, one.lane, one.event, one.attempts, one.received_at, due.due_at AS was_due,
  one.position::float8 AS position`;

const RENEW = `
UPDATE inbox SET due_at = $4::bigint
FROM unnest($2::text[], $3::text[]) AS held (key, lease)
WHERE inbox.queue = $1::text AND inbox.key = held.key AND inbox.lease = held.lease
  AND inbox.state = 'pending'
RETURNING inbox.key`;

const HELD = `WHERE queue = $1::text AND key = $2::text AND lease = $3::text AND state = 'pending'`;
const FINISH = `UPDATE inbox SET state = 'done', event = '', error = '', lease = NULL ${HELD}`;
const POSTPONE = `UPDATE inbox SET due_at = $4::bigint, error = $5::text, lease = NULL ${HELD}`;
const BURY = `
UPDATE inbox SET state = 'dead', retain_until = $4::bigint, error = $5::text, lease = NULL ${HELD}`;

const DEAD = `WHERE queue = $1::text AND key = $2::text AND state = 'dead'`;
const REVIVE = `
UPDATE inbox SET state = 'pending', attempts = 0, due_at = $3::bigint, lane = NULL ${DEAD}`;
const DISCARD = `UPDATE inbox SET state = 'done', event = '', error = '' ${DEAD}`;

const LIST_DEAD = `
SELECT key, event, attempts, received_at, error, position
FROM inbox WHERE queue = $1::text AND state = 'dead' AND position < $2::bigint
ORDER BY position DESC LIMIT $3::integer`;

const STATS = `
SELECT
  (SELECT count(*) FROM inbox WHERE queue = $1::text AND state = 'pending') AS pending,
  (SELECT count(*) FROM inbox WHERE queue = $1::text AND state = 'dead') AS dead,
  (SELECT min(received_at) FROM inbox WHERE queue = $1::text AND state = 'pending') AS oldest,
  (SELECT received_at FROM inbox WHERE queue = $1::text ORDER BY position DESC LIMIT 1) AS last`;

const PURGE = `
WITH old AS (
  DELETE FROM inbox WHERE position IN (
    SELECT position FROM inbox
    WHERE queue = $1::text AND state <> 'pending' AND retain_until <= $2::bigint LIMIT $3::integer)
  RETURNING 1
), forgotten AS (
  DELETE FROM replays WHERE queue = $1::text AND key IN (
    SELECT key FROM replays
    WHERE queue = $1::text AND retain_until <= $2::bigint LIMIT $3::integer)
  RETURNING 1
)
SELECT (SELECT count(*) FROM old) + (SELECT count(*) FROM forgotten) AS purged`;
