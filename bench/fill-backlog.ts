import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createIds } from 'posthorn/src/core/ids.ts';
import { DATABASE_FILE } from 'posthorn/src/store/sqlite/data-directory.ts';
import { sampleEvent } from './engine.ts';

/** What a file was filled with. */
export interface Backlog {
  projectId: string;
  /** Endpoints whose deliveries are due in the order in which they came in. */
  inOrder: string[];
  /** Endpoints whose deliveries are due in an order that has nothing to do with it. */
  scattered: string[];
  /** All of them are due between these times, which are past. */
  dueFromMs: number;
  dueUntilMs: number;
}

/** Each event of the backlog is owed to one of them, in turn. */
const ENDPOINTS = 10;

/** Recipients are drawn from so many, at random: an index in the order of nothing. */
const RECIPIENTS = 1_000_000;

const FAR_AWAY_MS = 9_000_000_000_000;

/**
 * Writes pending deliveries, with their events and states, into a file whose schema is there and which
 * nobody has open. Rows are as the product writes them, of about 600 bytes an event; ids are older than
 * all new ones. The indexes are made afterwards, from the schema's own words, which is what lets five
 * million rows be written in minutes.
 */
export function fillBacklog(folder: string, pending: number): Backlog {
  const db = new DatabaseSync(join(folder, DATABASE_FILE));
  db.exec('PRAGMA journal_mode = OFF');
  db.exec('PRAGMA synchronous = OFF');
  db.exec('PRAGMA temp_store = MEMORY');
  db.exec('PRAGMA cache_size = -262144');
  const backlog = describeBacklog(pending);
  try {
    const indexes = takeIndexesAway(db);
    insertRows(db, backlog, pending);
    for (const sql of indexes) db.exec(sql);
  } finally {
    db.close();
  }
  return backlog;
}

function describeBacklog(pending: number): Backlog {
  const ids = createIds({ now: () => 0, randomBytes });
  const all = Array.from({ length: ENDPOINTS }, () => ids.next('endpoint'));
  const nowMs = Date.now();
  return {
    projectId: ids.next('project'),
    inOrder: all.slice(0, ENDPOINTS / 2),
    scattered: all.slice(ENDPOINTS / 2),
    dueFromMs: nowMs - pending,
    dueUntilMs: nowMs,
  };
}

function takeIndexesAway(db: DatabaseSync): string[] {
  const rows = db
    .prepare(
      `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
         AND tbl_name IN ('events', 'recipient_states', 'deliveries')`,
    )
    .all();
  for (const { name } of rows) db.exec(`DROP INDEX ${name}`);
  return rows.map(({ sql }) => String(sql));
}

function insertRows(db: DatabaseSync, backlog: Backlog, pending: number): void {
  const { projectId, inOrder, scattered, dueFromMs } = backlog;
  const [head, tail] = bodyAround();
  db.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     INSERT INTO events (position, project_id, id, type, message_key, recipient, occurred_at,
       received_at, dedup_key, body, retain_until)
     SELECT i, ?2, printf('evt_%026d', i), 'email.delivered', printf('msg_%026d', i),
       printf('user%d@example.com', abs(random()) % ${RECIPIENTS}), ?3 + i, ?3 + i,
       lower(hex(randomblob(21))), ?4 || printf('evt_%026d', i) || ?5, ${FAR_AWAY_MS}
     FROM n`,
  ).run(pending, projectId, dueFromMs, head, tail);
  db.exec(
    `INSERT INTO recipient_states (project_id, message_key, recipient, sequence, state, state_rank,
       state_at, retain_until)
     SELECT project_id, message_key, recipient, 1, 'delivered', 3, occurred_at, retain_until
     FROM events ORDER BY position`,
  );
  db.prepare(
    `INSERT INTO deliveries (project_id, event_id, endpoint_id, state, urgency, attempts, failures,
       due_at, created_at, retain_until)
     SELECT project_id, id, ?1 ->> (position % ${ENDPOINTS}), 'pending', 1, 0, 0,
       iif(position % ${ENDPOINTS} < ${inOrder.length}, received_at, ?2 + abs(random()) % ?3),
       received_at, retain_until
     FROM events ORDER BY position`,
  ).run(JSON.stringify([...inOrder, ...scattered]), dueFromMs, pending);
}

/** The body of a usual event, before and after its id. */
function bodyAround(): [string, string] {
  const ids = createIds({ now: () => 0, randomBytes });
  const event = sampleEvent(ids);
  const [head = '', tail = ''] = JSON.stringify(event).split(event.id);
  return [head, tail];
}
