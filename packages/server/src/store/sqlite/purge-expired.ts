import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { listRetained, type Retained } from '../retained.ts';

interface Walk extends Retained {
  read: StatementSync;
  remove: StatementSync;
}

interface WalkedRow {
  [column: string]: string | number;
  retain_until: number;
  in_use: number;
}

/** Deletes rows whose retention has ended (retained.ts). */
export function preparePurgeExpired(db: DatabaseSync) {
  const newestEvent = db.prepare(
    'SELECT project_id, id FROM events WHERE position = (SELECT max(position) FROM events)',
  );
  // SQLite counts positions on from the newest row. Where that one goes, a row of no project keeps its
  // place: who reads the log by position must not meet one twice. (AUTOINCREMENT does the same at the
  // cost of a microsecond for every event.)
  const keepPlace = db.prepare(
    `INSERT OR REPLACE INTO events (position, project_id, id, type, occurred_at, received_at, body,
       retain_until)
     SELECT max(position) + 1, '', 'end of the log', '', 0, 0, '', 0 FROM events`,
  );
  const nextProject = db.prepare('SELECT id FROM projects WHERE id > ? ORDER BY id LIMIT 1');
  const walks = listRetained('').map((retained): Walk => {
    const { table, key } = retained;
    const columns = key.join(', ');
    const blanks = key.map(() => '?').join(', ');
    return {
      ...retained,
      read: db.prepare(
        `SELECT ${columns}, retain_until, ${retained.inUse} AS in_use FROM ${table} t
         WHERE project_id = ? AND (${columns}) > (${blanks}) ORDER BY ${columns} LIMIT ?`,
      ),
      remove: db.prepare(
        `DELETE FROM ${table} WHERE project_id = ? AND (${columns}) = (${blanks})`,
      ),
    };
  });
  /** The project being walked; the empty string before the first of a round. */
  let project = '';
  /** Where each walk stands in that project; absent before its first step, null when it is over. */
  let positions = new Map<Walk, string[] | null>();

  function step(walk: Walk, nowMs: number, limit: number): number {
    const position = positions.get(walk);
    if (position === null) return 0;
    const from = position ?? walk.key.map(() => '');
    const rows = walk.read.all(project, ...from, limit) as unknown as WalkedRow[];
    const keyOf = (row: WalkedRow): string[] => walk.key.map((column) => String(row[column]));
    const expired = rows.filter((row) => row.retain_until <= nowMs);
    const removable = expired.filter((row) => row.in_use === 0);
    if (walk.table === 'events' && hasNewest(removable)) keepPlace.run();
    for (const row of removable) walk.remove.run(project, ...keyOf(row));
    const last = rows.at(-1);
    const over = rows.length < limit || (walk.timeOrdered && expired.length < rows.length);
    positions.set(walk, over || last === undefined ? null : keyOf(last));
    return removable.length;
  }

  function hasNewest(rows: readonly WalkedRow[]): boolean {
    const newest = newestEvent.get();
    return newest?.['project_id'] === project && rows.some((row) => row['id'] === newest['id']);
  }

  /** `more`: the round over all projects is not finished; call again soon. */
  return function purgeExpired(nowMs: number, limit: number): { purged: number; more: boolean } {
    const current = project === '' || isOver() ? moveOn() : project;
    if (current === null) return { purged: 0, more: false };
    let purged = 0;
    for (const walk of walks) purged += step(walk, nowMs, limit);
    const more = !isOver() || nextProject.get(project) !== undefined;
    if (!more) project = '';
    return { purged, more };
  };

  function isOver(): boolean {
    return walks.every((walk) => positions.get(walk) === null);
  }

  function moveOn(): string | null {
    const next = nextProject.get(project) as { id: string } | undefined;
    project = next?.id ?? '';
    positions = new Map();
    return next?.id ?? null;
  }
}
