import type { DatabaseSync } from 'node:sqlite';
import type { AttemptRecord } from '../engine.ts';

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
    `UPDATE deliveries SET state = ?1, attempts = max(attempts, ?2), failures = ?3, due_at = ?4,
       node = NULL, last_status = ?5, last_error = ?6, ended_at = ?7
     WHERE project_id = ?8 AND event_id = ?9 AND endpoint_id = ?10 AND node = ?11
       AND state = 'pending'`,
  );
  return function recordAttempt(attempt: AttemptRecord): void {
    const { projectId, eventId, endpointId, next } = attempt;
    insertAttempt.run(
      projectId,
      eventId,
      endpointId,
      attempt.number,
      attempt.attemptId,
      attempt.startedAtMs,
      attempt.latencyMs,
      attempt.succeeded ? 'succeeded' : 'failed',
      attempt.status,
      attempt.errorCode,
      attempt.errorDetail,
      attempt.responseExcerpt,
      attempt.retainUntilMs,
    );
    const pending = next.state === 'pending';
    moveDelivery.run(
      next.state,
      attempt.number,
      pending ? next.failures : 0,
      pending ? next.dueAtMs : null,
      attempt.status,
      attempt.errorCode,
      pending ? null : next.endedAtMs,
      projectId,
      eventId,
      endpointId,
      attempt.node,
    );
  };
}
