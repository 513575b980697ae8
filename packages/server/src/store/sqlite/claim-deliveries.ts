import type { DatabaseSync } from 'node:sqlite';
import type { ClaimedDeliveries, ClaimedDelivery, DeliveryClaim } from '../engine.ts';

/**
 * Both statements walk the partial index deliveries_due, so their cost does not grow with the table.
 * CROSS JOIN is SQLite's way to say that the deliveries come first, whatever the statistics say.
 * Both join the event: retention may have taken it first, and a delivery that can never be claimed
 * but is due would have the dispatcher ask again without end.
 */
export function prepareClaimDeliveries(db: DatabaseSync) {
  const selectDue = db.prepare(
    `SELECT d.event_id AS eventId, e.body AS body, e.type AS type, d.attempts AS attempts,
       d.failures AS failures
     FROM deliveries d CROSS JOIN events e ON e.project_id = d.project_id AND e.id = d.event_id
     WHERE d.project_id = ?1 AND d.endpoint_id = ?2 AND d.due_at <= ?3 AND d.state = 'pending'
       AND d.node IS NULL
     ORDER BY d.due_at, d.event_id LIMIT ?4`,
  );
  const lease = db.prepare(
    'UPDATE deliveries SET node = ?1 WHERE project_id = ?2 AND event_id = ?3 AND endpoint_id = ?4',
  );
  const selectNext = db.prepare(
    `SELECT d.due_at AS dueAt
     FROM deliveries d CROSS JOIN events e ON e.project_id = d.project_id AND e.id = d.event_id
     WHERE d.project_id = ?1 AND d.endpoint_id = ?2 AND d.state = 'pending' AND d.node IS NULL
     ORDER BY d.due_at LIMIT 1`,
  );
  return function claimDeliveries(claim: DeliveryClaim): ClaimedDeliveries {
    const { projectId, endpointId, node } = claim;
    const rows = selectDue.all(projectId, endpointId, claim.nowMs, claim.limit);
    const deliveries = rows as unknown as ClaimedDelivery[];
    for (const { eventId } of deliveries) lease.run(node, projectId, eventId, endpointId);
    const next = selectNext.get(projectId, endpointId) as { dueAt: number } | undefined;
    return { deliveries, nextDueAtMs: next?.dueAt ?? null };
  };
}
