import { listRetained, type Retained } from '../../retained.ts';
import { textArray } from '../connect/arrays.ts';
import type { Transaction, Transactions } from '../connect/transactions.ts';
import type { IdRange, Partitions } from './partitions.ts';

export type PurgeExpired = (input: {
  nowMs: number;
  limit: number;
}) => Promise<{ purged: number; more: boolean }>;

/** Marks of processes that ended; a commit is looked for within a minute. */
const MARKS_KEPT_MS = 86_400_000;
const FORGET_MARKS = 'DELETE FROM posthorn.commit_marks WHERE marked_at < $1';

type WalkedRow = { [column: string]: string | number | boolean } & {
  retain_until: number;
  in_use: boolean;
};

/**
 * Deletes rows whose retention has ended (retained.ts), one project a call. A round begins with the
 * partitions: those of the coming days are made, and those that have expired as a whole are dropped.
 */
export function createPurgeExpired(options: {
  transactions: Transactions;
  /** Null where the database has none. */
  partitions: Partitions | null;
}): PurgeExpired {
  const { transactions, partitions } = options;
  const walks: Retained[] = [
    ...listRetained('posthorn.'),
    { table: 'posthorn.event_keys', key: ['dedup_key'], inUse: 'FALSE', timeOrdered: false },
  ];
  /** The project being walked; the empty string before the first of a round. */
  let project = '';
  /** Where each walk stands in that project; absent before its first step, null when it is over. */
  let places = new Map<Retained, string[] | null>();
  let leaveAlone = new Map<string, IdRange[]>();

  async function step(tx: Transaction, walk: Retained, nowMs: number, limit: number) {
    const place = places.get(walk);
    if (place === null) return 0;
    const rows = await readFrom(tx, walk, place ?? walk.key.map(() => ''), limit);
    const keyOf = (row: WalkedRow): string[] => walk.key.map((column) => String(row[column]));
    const expired = rows.filter((row) => row.retain_until <= nowMs);
    const removable = expired.filter((row) => !row.in_use).map(keyOf);
    const removed = removable.length === 0 ? 0 : await remove(tx, walk, removable, nowMs);
    const last = rows.at(-1);
    const over = rows.length < limit || (walk.timeOrdered && expired.length < rows.length);
    places.set(walk, over || last === undefined ? null : keyOf(last));
    return removed;
  }

  async function readFrom(tx: Transaction, walk: Retained, from: string[], limit: number) {
    const columns = walk.key.join(', ');
    const [first] = walk.key;
    const ranges = leaveAlone.get(walk.table.replace('posthorn.', '')) ?? [];
    const values = [project, limit, ...from, ...ranges.flatMap((range) => [range.from, range.to])];
    const blanks = from.map((_, i) => `$${i + 3}`).join(', ');
    const skipped = ranges.map((_, i) => {
      const at = 3 + from.length + 2 * i;
      return ` AND NOT (${first} >= $${at} AND ${first} < $${at + 1})`;
    });
    const { rows } = await tx.send<WalkedRow>(
      `SELECT ${columns}, retain_until, ${walk.inUse} AS in_use FROM ${walk.table} t
       WHERE project_id = $1 AND (${columns}) > (${blanks})${skipped.join('')}
       ORDER BY ${columns} LIMIT $2`,
      values,
    );
    return rows;
  }

  async function remove(tx: Transaction, walk: Retained, keys: string[][], nowMs: number) {
    const columns = walk.key.map((_, i) => textArray(keys.map((key) => key[i] ?? '')));
    const given = columns.map((_, i) => `$${i + 3}::text[]`).join(', ');
    const same = walk.key.map((column) => `t.${column} = k.${column}`).join(' AND ');
    // The conditions once more: somebody may have come to need one meanwhile.
    const { count } = await tx.send(
      `DELETE FROM ${walk.table} t USING unnest(${given}) AS k(${walk.key.join(', ')})
       WHERE t.project_id = $1 AND ${same} AND t.retain_until <= $2 AND NOT (${walk.inUse})`,
      [project, nowMs, ...columns],
    );
    return count;
  }

  function isOver(): boolean {
    return walks.every((walk) => places.get(walk) === null);
  }

  async function nextProject(tx: Transaction): Promise<string | null> {
    const { rows } = await tx.send<{ id: string }>(
      'SELECT id FROM posthorn.projects WHERE id > $1 ORDER BY id LIMIT 1',
      [project],
    );
    return rows[0]?.id ?? null;
  }

  return async function purgeExpired({ nowMs, limit }) {
    let purged = 0;
    if (project === '' && partitions !== null) {
      await partitions.makeAhead(nowMs);
      const outcome = await partitions.drop(nowMs);
      purged += outcome.dropped;
      leaveAlone = outcome.leaveAlone;
    }
    return transactions.run(async (tx) => {
      if (project === '') await tx.send(FORGET_MARKS, [nowMs - MARKS_KEPT_MS]);
      if (project === '' || isOver()) {
        const next = await nextProject(tx);
        project = next ?? '';
        places = new Map();
        if (next === null) return { purged, more: false };
      }
      for (const walk of walks) purged += await step(tx, walk, nowMs, limit);
      const more = !isOver() || (await nextProject(tx)) !== null;
      if (!more) project = '';
      return { purged, more };
    });
  };
}
