import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createIds } from 'posthorn/src/core/ids.ts';
import { DATABASE_FILE } from 'posthorn/src/store/sqlite/data-directory.ts';
import { sampleEvent } from './engine.ts';

/** Events of a project, as SQL writes them: a million by the front door take minutes. */
export interface Filling {
  projectId: string;
  count: number;
}

const FAR_AWAY_MS = 9_000_000_000_000;
/** How many digits of an id are counted up; the rest is the time, which is now. */
const DIGITS = 16;

/** What all of them have: their ids differ, and the last is the newest. */
function describe() {
  const ids = createIds({ now: Date.now, randomBytes });
  const event = sampleEvent(ids);
  const [head = '', tail = ''] = JSON.stringify(event).split(event.id);
  return { head, tail, prefix: event.id.slice(0, -DIGITS), nowMs: Date.now() };
}

/** Into a file whose schema is there and which nobody has open. */
export function fillSqlite(folder: string, { projectId, count }: Filling): void {
  const { head, tail, prefix, nowMs } = describe();
  const db = new DatabaseSync(join(folder, DATABASE_FILE));
  try {
    db.exec('PRAGMA synchronous = OFF');
    db.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO events (position, project_id, id, type, message_key, recipient, occurred_at,
         received_at, dedup_key, body, retain_until)
       SELECT i, ?2, ?3 || printf('%0${DIGITS}d', i), 'email.delivered', NULL, NULL, ?4, ?4, NULL,
         ?5 || ?3 || printf('%0${DIGITS}d', i) || ?6, ${FAR_AWAY_MS}
       FROM n`,
    ).run(count, projectId, prefix, nowMs, head, tail);
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
}

/** The same into a database; `execute` runs a statement in it. */
export async function fillPostgres(
  execute: (sql: string) => Promise<unknown>,
  { projectId, count }: Filling,
): Promise<void> {
  const { head, tail, prefix, nowMs } = describe();
  const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
  await execute(
    `INSERT INTO posthorn.events (position, project_id, id, type, occurred_at, received_at, body, retain_until)
     SELECT i, ${quote(projectId)}, ${quote(prefix)} || lpad(i::text, ${DIGITS}, '0'), 'email.delivered',
       ${nowMs}, ${nowMs}, ${quote(head)} || ${quote(prefix)} || lpad(i::text, ${DIGITS}, '0') || ${quote(tail)},
       ${FAR_AWAY_MS}
     FROM generate_series(1, ${count}) AS n (i)`,
  );
  await execute(`SELECT setval('posthorn.log_position', ${count})`);
  await execute('ANALYZE posthorn.events');
}
