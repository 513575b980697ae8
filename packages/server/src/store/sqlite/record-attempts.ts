import type { DatabaseSync } from 'node:sqlite';
import type { Row } from './protocol.ts';

/**
 * Stores an attempt on its delivery's row, together with what follows from it. An attempt before it
 * moves to the table of its own first. The delivery moves only while the recording node still holds
 * it, so a node that was declared dead and comes back cannot overwrite another's result; its attempt
 * happened all the same and stays on record.
 */
export function prepareRecordAttempt(db: DatabaseSync) {
  const keepEarlier = db.prepare(
    `INSERT OR IGNORE INTO attempts (project_id, event_id, endpoint_id, id, number, started_at,
       latency_ms, status, error_code, error_detail, response_excerpt, trace, retain_until)
     SELECT project_id, event_id, endpoint_id, attempt_id, attempts, attempt_started_at,
       attempt_latency_ms, last_status, last_error, last_error_detail, last_response_excerpt,
       last_trace, retain_until
     FROM deliveries WHERE project_id = ?1 AND event_id = ?2 AND endpoint_id = ?3
       AND attempt_id IS NOT NULL AND node = ?4 AND state = 'pending'`,
  );
  const moveDelivery = db.prepare(
    `UPDATE deliveries SET node = NULL, attempts = ?5, attempt_id = ?6, attempt_started_at = ?7,
       attempt_latency_ms = ?8, last_status = ?9, last_error = ?10, last_error_detail = ?11,
       last_response_excerpt = ?12, last_trace = ?13, state = ?14, failures = ?15, due_at = ?16,
       ended_at = ?17
     WHERE project_id = ?1 AND event_id = ?2 AND endpoint_id = ?3 AND node = ?4
       AND state = 'pending'`,
  );
  const keepStray = db.prepare(
    `INSERT OR IGNORE INTO attempts (project_id, event_id, endpoint_id, number, id, started_at,
       latency_ms, status, error_code, error_detail, response_excerpt, trace, retain_until)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
     WHERE NOT EXISTS (SELECT 1 FROM deliveries
       WHERE project_id = ?1 AND event_id = ?2 AND endpoint_id = ?3 AND attempt_id = ?5)`,
  );
  // Whatever became of it: one with an earlier one of its key waits for that, not for a time.
  const standBehind = db.prepare(
    `UPDATE deliveries AS d SET due_at = NULL WHERE project_id = ?1 AND event_id = ?2
       AND endpoint_id = ?3 AND state = 'pending' AND EXISTS (
         SELECT 1 FROM deliveries x WHERE x.project_id = d.project_id
           AND x.endpoint_id = d.endpoint_id AND x.order_key = d.order_key
           AND x.state = 'pending' AND x.position < d.position)`,
  );
  // Makes the first of a line due, unless it is, or a node holds it: it came along with the one before.
  const moveUp = db.prepare(
    `UPDATE deliveries SET due_at = ?4 WHERE project_id = ?1 AND endpoint_id = ?2
       AND node IS NULL AND due_at IS NULL AND state = 'pending' AND event_id = (
         SELECT event_id FROM deliveries WHERE project_id = ?1 AND endpoint_id = ?2
           AND order_key = ?3 AND state = 'pending' ORDER BY position LIMIT 1)`,
  );
  return function recordAttempt(row: Row): void {
    const [projectId = null, eventId = null, endpointId = null, node = null, number = null] = row;
    if (number !== 1) keepEarlier.run(projectId, eventId, endpointId, node);
    const { changes } = moveDelivery.run(...row.slice(0, DELIVERY_COLUMNS));
    if (changes === 1) {
      const orderKey = row[ORDER_KEY_AT] ?? null;
      if (orderKey === null) return;
      const endedAt = row[ENDED_AT] ?? null;
      if (endedAt === null) standBehind.run(projectId, eventId, endpointId);
      moveUp.run(projectId, endpointId, orderKey, endedAt ?? row[STARTED_AT] ?? null);
      return;
    }
    const attempt = row.slice(4, ATTEMPT_END);
    keepStray.run(projectId, eventId, endpointId, ...attempt, row[RETAIN_AT] ?? null);
  };
}

/** The row as rows.ts writes it: what identifies it, the attempt, what follows, its retention. */
const DELIVERY_COLUMNS = 17;
const STARTED_AT = 6;
const ENDED_AT = 16;
const ATTEMPT_END = 13;
const RETAIN_AT = 17;
const ORDER_KEY_AT = 18;
