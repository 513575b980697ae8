import type { DatabaseSync } from 'node:sqlite';
import type { Row } from './protocol.ts';

/**
 * Stores an attempt and what follows from it. The delivery moves only while the recording node still
 * holds it, so a node that was declared dead and comes back cannot overwrite another's result; its
 * attempt happened all the same and stays on record.
 */
export function prepareRecordAttempt(db: DatabaseSync) {
  const insertAttempt = db.prepare(
    `INSERT OR IGNORE INTO attempts (project_id, event_id, endpoint_id, number, id, started_at,
       latency_ms, outcome, status, error_code, error_detail, response_excerpt, retain_until)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const moveDelivery = db.prepare(
    `UPDATE deliveries SET state = ?6, attempts = max(attempts, ?4), failures = ?7, due_at = ?8,
       node = NULL, last_status = ?10, last_error = ?11, ended_at = ?9
     WHERE project_id = ?1 AND event_id = ?2 AND endpoint_id = ?3 AND node = ?5
       AND state = 'pending'`,
  );
  return function recordAttempt(row: Row): void {
    insertAttempt.run(...row.slice(0, ATTEMPT_COLUMNS));
    const [projectId = null, eventId = null, endpointId = null, number = null] = row;
    const [status = null, errorCode = null] = row.slice(8, 10);
    const delivery = row.slice(ATTEMPT_COLUMNS);
    moveDelivery.run(projectId, eventId, endpointId, number, ...delivery, status, errorCode);
  };
}

const ATTEMPT_COLUMNS = 13;
