import type { Pool } from 'pg';
import { type IdKind, lowestIdAt } from '../../../core/ids.ts';
import { send } from '../connect/connections.ts';
import { faultOf } from '../connect/faults.ts';
import type { Transaction, Transactions } from '../connect/transactions.ts';

/**
 * Daily partitions, by the time in an id: everything that looks up by id looks into one of them, without
 * any query saying so. What comes with an id from another time (a caller's own) is in the default
 * partition, which is never dropped.
 */
interface Partitioned {
  table: string;
  key: string;
  kind: IdKind;
  /** SQL over an id range ($1, $2) that tells whether somebody still needs rows of it. */
  inUse: string;
}

/** By project, since that is what the keys begin with; what has ended was deleted before. */
const OWED = `SELECT 1 FROM posthorn.projects p WHERE EXISTS (
  SELECT 1 FROM posthorn.deliveries d WHERE d.project_id = p.id AND d.event_id >= $1
    AND d.event_id < $2 AND d.state = 'pending') LIMIT 1`;
const QUEUED = `SELECT 1 FROM posthorn.projects p WHERE EXISTS (
  SELECT 1 FROM posthorn.transmissions x WHERE x.project_id = p.id AND x.message_id >= $1
    AND x.message_id < $2 AND x.state IN ('queued', 'held')) LIMIT 1`;

const NOBODY = 'SELECT 1 WHERE $1::text IS NULL AND $2::text IS NULL';

const PARTITIONED: readonly Partitioned[] = [
  { table: 'events', key: 'id', kind: 'event', inUse: OWED },
  { table: 'attempts', key: 'event_id', kind: 'event', inUse: OWED },
  { table: 'message_bodies', key: 'message_id', kind: 'message', inUse: QUEUED },
  { table: 'transcripts', key: 'message_id', kind: 'message', inUse: NOBODY },
];

const DAY_MS = 86_400_000;
/** A week without anybody who makes new ones passes unnoticed. */
const DAYS_AHEAD = 7;
/** Everybody waits while this waits for a lock, so it gives up soon and comes again. */
const LOCK_TIMEOUT_MS = 250;
/** Another node makes them at the moment. */
const TURN_TIMEOUT_MS = 30_000;
/** Below this, deleting the rows one by one costs little, and they go at their exact time. */
const DROP_FROM_BYTES = 64 * 1_048_576;

/** From inclusive, to exclusive. */
export interface IdRange {
  from: string;
  to: string;
}

export interface Partitions {
  /** Makes those of today and of the days to come. */
  makeAhead(nowMs: number): Promise<void>;
  /**
   * Drops those whose rows have all expired and that nobody needs. Returns about how many rows went, and
   * what rows of each table need not be deleted one by one, because all of them go within a day.
   */
  drop(nowMs: number): Promise<{ dropped: number; leaveAlone: Map<string, IdRange[]> }>;
}

interface Partition {
  name: string;
  range: IdRange;
  endMs: number;
  bytes: number;
  rows: number;
}

export function createPartitions(options: {
  pool: Pool;
  transactions: Transactions;
  dropFromBytes?: number;
}): Partitions {
  const { pool, transactions } = options;
  const dropFromBytes = options.dropFromBytes ?? DROP_FROM_BYTES;
  /** The last day that is known to be there, by table. */
  const madeUntil = new Map<string, number>();

  async function list({ table, kind }: Partitioned): Promise<Partition[]> {
    const { rows } = await send<{ name: string; bytes: number; rows: number }>(
      pool,
      `SELECT c.relname::text AS name, pg_table_size(c.oid) AS bytes,
         greatest(c.reltuples, 0)::bigint AS rows
       FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
       WHERE i.inhparent = ('posthorn.' || $1)::regclass ORDER BY 1`,
      [table],
    );
    return rows.flatMap((row) => {
      const startMs = dayOf(row.name);
      if (startMs === null) return [];
      return [{ ...row, range: rangeOf(kind, startMs), endMs: startMs + DAY_MS }];
    });
  }

  /** False when somebody holds a table for long (a backup): then it is tried again with the next round. */
  async function make(one: Partitioned, startMs: number): Promise<boolean> {
    try {
      await transactions.run((tx) => makeDay(tx, one, startMs), {
        slow: true,
        lockTimeoutMs: TURN_TIMEOUT_MS,
      });
      return true;
    } catch (error) {
      if (faultOf(error) !== 'locked') throw error;
      return false;
    }
  }

  async function hasExpired(partition: Partition, atMs: number): Promise<boolean> {
    return transactions.run((tx) => allExpired(tx, partition.name, atMs), {
      settings: ['enable_seqscan = off'],
    });
  }

  async function isInUse({ inUse }: Partitioned, { range }: Partition): Promise<boolean> {
    const { rows } = await send(pool, inUse, [range.from, range.to]);
    return rows.length > 0;
  }

  /** Null when somebody works with it just now, or a row came in that lives longer. */
  async function dropOne({ table }: Partitioned, partition: Partition, nowMs: number) {
    const { name } = partition;
    try {
      return await transactions.run(
        async (tx) => {
          // The parent first, as everybody else locks them.
          await tx.send(`LOCK TABLE ONLY posthorn.${table} IN ACCESS EXCLUSIVE MODE`);
          if (!(await allExpired(tx, name, nowMs))) return null;
          await tx.send(`DROP TABLE posthorn.${name}`);
          return partition.rows;
        },
        { lockTimeoutMs: LOCK_TIMEOUT_MS, settings: ['enable_seqscan = off'] },
      );
    } catch (error) {
      if (faultOf(error) !== 'locked') throw error;
      return null;
    }
  }

  return {
    async makeAhead(nowMs) {
      const today = Math.floor(nowMs / DAY_MS) * DAY_MS;
      const last = today + DAYS_AHEAD * DAY_MS;
      for (const one of PARTITIONED) {
        if ((madeUntil.get(one.table) ?? 0) >= last) continue;
        const there = new Set((await list(one)).map(({ endMs }) => endMs - DAY_MS));
        for (let startMs = today; startMs <= last; startMs += DAY_MS) {
          if (!there.has(startMs) && !(await make(one, startMs))) return;
        }
        madeUntil.set(one.table, last);
      }
    },
    async drop(nowMs) {
      let dropped = 0;
      const leaveAlone = new Map<string, IdRange[]>();
      for (const one of PARTITIONED) {
        const ranges: IdRange[] = [];
        for (const partition of await list(one)) {
          if (partition.endMs > nowMs || !(await hasExpired(partition, nowMs + DAY_MS))) continue;
          const isOver = await hasExpired(partition, nowMs);
          // What is in use keeps its partition, and the rest of it is deleted row by row.
          const isFree = isOver && !(await isInUse(one, partition));
          const gone = isFree ? await dropOne(one, partition, nowMs) : null;
          dropped += gone ?? 0;
          if (!isOver && partition.bytes >= dropFromBytes) ranges.push(partition.range);
        }
        leaveAlone.set(one.table, ranges);
      }
      return { dropped, leaveAlone };
    },
  };
}

async function makeDay(tx: Transaction, one: Partitioned, startMs: number): Promise<void> {
  const { table, key } = one;
  const name = nameOf(table, startMs);
  const { from, to } = rangeOf(one.kind, startMs);
  const range = `${key} >= '${from}' AND ${key} < '${to}'`;
  const rest = `posthorn.${table}_default`;
  // One node at a time; who had to wait finds it made.
  await tx.send('SELECT 1 FROM posthorn.schema_migrations WHERE version = 1 FOR UPDATE');
  const { rows } = await tx.send<{ found: string | null }>('SELECT to_regclass($1) AS found', [
    `posthorn.${name}`,
  ]);
  if (rows[0]?.found !== null) return;
  await tx.send(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  await tx.send(
    `CREATE TABLE IF NOT EXISTS ${rest} PARTITION OF posthorn.${table} DEFAULT;
     LOCK TABLE ${rest} IN ACCESS EXCLUSIVE MODE;
     CREATE TABLE posthorn.${name} (LIKE posthorn.${table} INCLUDING ALL);
     WITH moved AS (DELETE FROM ${rest} WHERE ${range} RETURNING *)
       INSERT INTO posthorn.${name} SELECT * FROM moved;
     ALTER TABLE posthorn.${table} ATTACH PARTITION posthorn.${name}
       FOR VALUES FROM ('${from}') TO ('${to}')`,
  );
}

/** By the index over retain_until; the pages that it does not know of yet are read. */
async function allExpired(tx: Transaction, name: string, atMs: number): Promise<boolean> {
  const { rows } = await tx.send(`SELECT 1 FROM posthorn.${name} WHERE retain_until > $1 LIMIT 1`, [
    atMs,
  ]);
  return rows.length === 0;
}

const nameOf = (table: string, startMs: number): string =>
  `${table}_${new Date(startMs).toISOString().slice(0, 10).replaceAll('-', '')}`;

/** When the day of a partition begins; null for the default one. */
function dayOf(name: string): number | null {
  const [, year, month, day] = /_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? [];
  return day === undefined ? null : Date.UTC(Number(year), Number(month) - 1, Number(day));
}

const rangeOf = (kind: IdKind, startMs: number): IdRange => ({
  from: lowestIdAt(kind, startMs),
  to: lowestIdAt(kind, startMs + DAY_MS),
});
