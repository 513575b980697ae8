import type { DatabaseSync } from 'node:sqlite';

/**
 * Deletes rows whose retention has ended, a bounded number a call so that the writer is never held
 * for long, and without an index on retain_until, which every insert of the hot path would pay for:
 *
 *   - Tables keyed by time-ordered ids expire from the front of each project's key range: look at
 *     the oldest `limit` rows of each project.
 *   - recipient_states is keyed by whatever a provider calls its messages: a cursor goes round it,
 *     `limit` rows a call.
 *   - idempotency_keys are few and have an index.
 */
const TIME_ORDERED = [
  { table: 'attempts', key: 'project_id, event_id, endpoint_id, id' },
  { table: 'deliveries', key: 'project_id, event_id, endpoint_id' },
  { table: 'events', key: 'project_id, id' },
  { table: 'transmissions', key: 'project_id, message_id, recipient' },
  { table: 'message_bodies', key: 'project_id, message_id' },
  { table: 'messages', key: 'project_id, id' },
];

interface StateKey {
  project_id: string;
  message_key: string;
  recipient: string;
}

const ROUND_START: StateKey = { project_id: '', message_key: '', recipient: '' };

export function preparePurgeExpired(db: DatabaseSync) {
  const listProjects = db.prepare('SELECT id FROM projects');
  const front = TIME_ORDERED.map(({ table, key }) =>
    db.prepare(
      `DELETE FROM ${table} WHERE (${key}) IN (
         SELECT ${key} FROM
           (SELECT ${key}, retain_until FROM ${table} WHERE project_id = ?1 ORDER BY ${key} LIMIT ?2)
         WHERE retain_until <= ?3)`,
    ),
  );
  const readStates = db.prepare(
    `SELECT project_id, message_key, recipient, retain_until FROM recipient_states
     WHERE (project_id, message_key, recipient) > (?, ?, ?)
     ORDER BY project_id, message_key, recipient LIMIT ?`,
  );
  const deleteState = db.prepare(
    'DELETE FROM recipient_states WHERE project_id = ? AND message_key = ? AND recipient = ?',
  );
  const deleteKeys = db.prepare(
    `DELETE FROM idempotency_keys WHERE (project_id, key) IN
       (SELECT project_id, key FROM idempotency_keys WHERE retain_until <= ? LIMIT ?)`,
  );
  let position: StateKey = ROUND_START;

  function purgeStates(nowMs: number, limit: number): number {
    const { project_id, message_key, recipient } = position;
    const rows = readStates.all(
      project_id,
      message_key,
      recipient,
      limit,
    ) as unknown as (StateKey & {
      retain_until: number;
    })[];
    const expired = rows.filter((row) => row.retain_until <= nowMs);
    for (const row of expired) deleteState.run(row.project_id, row.message_key, row.recipient);
    position = rows.length < limit ? ROUND_START : (rows.at(-1) ?? ROUND_START);
    return expired.length;
  }

  return function purgeExpired(nowMs: number, limit: number): { purged: number } {
    let purged = purgeStates(nowMs, limit) + Number(deleteKeys.run(nowMs, limit).changes);
    for (const { id } of listProjects.all() as unknown as { id: string }[]) {
      for (const statement of front) purged += Number(statement.run(id, limit, nowMs).changes);
    }
    return { purged };
  };
}
