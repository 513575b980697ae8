import type { Capabilities } from '../connect/capabilities.ts';
import { type Rows, send } from '../connect/connections.ts';
import type { Transaction } from '../connect/transactions.ts';

/**
 * The order of the log. Places come from a sequence, which several transactions ask at once; one that
 * was given a lower place may commit later, and a reader that went past it would never see it. So each
 * transaction holds a shared advisory lock from before its first place until it has ended, whose number
 * is the sequence's value of that moment: all of its places are higher. A reader reads the sequence, then
 * the locks, and stops at the lowest:
 *
 * - A transaction that holds its lock by then keeps the reader below its places.
 * - One that takes it later gets its places later still, above the sequence as it was read.
 * - One that has let go has committed, since locks end after that: its events are there to be read.
 *
 * Nobody waits for anybody: the locks are shared, and each has a number of its own. The other ways cost
 * more. A lock around place and commit lets all nodes commit one after the other, an fsync each, and a
 * node that hangs holds up all. The oldest running transaction (pg_snapshot_xmin) is free, but a long
 * one in any database of the server holds up the readers. Where there are no advisory locks the first of
 * these it is.
 */
const PLACE_LOCK_TAG = 0x5048;
/** The upper 16 bits tell our locks from those of others; places stay far below 2^47. */
const TAG_SHIFT = 2 ** 47;
const LOCK_BASE = `(${PLACE_LOCK_TAG}::bigint << 47)`;

const TAKE_SHARED = `SELECT pg_advisory_xact_lock_shared(${LOCK_BASE} | last_value)
  FROM posthorn.log_position`;
const TAKE_ALONE = `INSERT INTO posthorn.facts (name, value) VALUES ('log_turn', '')
  ON CONFLICT (name) DO UPDATE SET value = ''`;
const PLACES =
  "SELECT nextval('posthorn.log_position') AS position FROM generate_series(1, $1::integer)";

const READ_VALUE = 'SELECT last_value AS position FROM posthorn.log_position';
const READ_LOCKS = `SELECT min(((classid::bigint << 32) | objid::bigint) - ${LOCK_BASE}) AS position
  FROM pg_locks
  WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND ((classid::bigint << 32) | objid::bigint) >> 47 = ${PLACE_LOCK_TAG}`;

/** Places for this many events, ascending. Sent, not awaited: goes out with what else locks. */
export function takePlaces(
  tx: Transaction,
  count: number,
  { advisoryLocks }: Pick<Capabilities, 'advisoryLocks'>,
): [Promise<Rows<unknown>>, Promise<Rows<{ position: number }>>] {
  return [
    tx.send(advisoryLocks ? TAKE_SHARED : TAKE_ALONE),
    tx.send<{ position: number }>(PLACES, [count]),
  ];
}

/** Up to here every event of the log can be read. */
export async function readLogEnd(
  client: Parameters<typeof send>[0],
  { advisoryLocks }: Pick<Capabilities, 'advisoryLocks'>,
): Promise<number> {
  if (!advisoryLocks) {
    const { rows } = await send<{ position: number | null }>(
      client,
      'SELECT max(position) AS position FROM posthorn.events',
    );
    return rows[0]?.position ?? 0;
  }
  // One after the other: the order is what the proof above rests on.
  const value = await send<{ position: number }>(client, READ_VALUE);
  const locks = await send<{ position: number | null }>(client, READ_LOCKS);
  const position = value.rows[0]?.position ?? 0;
  return Math.min(position, locks.rows[0]?.position ?? TAG_SHIFT);
}

/**
 * A copy of a database made by logical replication has its rows, but not where its sequences stand.
 * At the start the sequence is moved behind what is there, or places would be given twice.
 */
export async function catchUpPlaces(tx: Transaction): Promise<void> {
  await tx.send(
    `SELECT setval('posthorn.log_position', newest.position)
     FROM (SELECT max(position) AS position FROM posthorn.events) newest, posthorn.log_position s
     WHERE newest.position > s.last_value`,
  );
}
