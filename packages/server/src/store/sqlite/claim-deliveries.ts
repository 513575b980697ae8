import type { DatabaseSync } from 'node:sqlite';
import type { ClaimedDeliveries, ClaimedDelivery, DeliveryClaim } from '../engine.ts';

/**
 * What is due is read along the partial index deliveries_due and what stands in line behind it along
 * deliveries_in_line, so the cost does not grow with the table.
 * CROSS JOIN is SQLite's way to say that the deliveries come first, whatever the statistics say.
 * `LIMIT ?5 + 0`: for a bare `LIMIT ?` SQLite plans the query anew each time, since the plan may go by the value.
 * All join the event: retention may have taken it first, and a delivery that can never be claimed
 * but is due would have the dispatcher ask again without end.
 */
export function prepareClaimDeliveries(db: DatabaseSync) {
  const selectDue = db.prepare(
    `SELECT d.event_id AS eventId, e.body AS body, e.type AS type, d.attempts AS attempts,
       d.failures AS failures, d.order_key AS orderKey, d.position AS position
     FROM deliveries d CROSS JOIN events e ON e.project_id = d.project_id AND e.id = d.event_id
     WHERE d.project_id = ?1 AND d.endpoint_id = ?2 AND d.urgency = ?3 AND d.due_at <= ?4
       AND d.state = 'pending' AND d.node IS NULL
     ORDER BY d.due_at, d.event_id LIMIT ?5 + 0`,
  );
  const selectLine = db.prepare(
    `SELECT d.event_id AS eventId, e.body AS body, e.type AS type, d.attempts AS attempts,
       d.failures AS failures, d.order_key AS orderKey, d.node AS node
     FROM deliveries d CROSS JOIN events e ON e.project_id = d.project_id AND e.id = d.event_id
     WHERE d.project_id = ?1 AND d.endpoint_id = ?2 AND d.order_key = ?3 AND d.position > ?4
       AND d.state = 'pending'
     ORDER BY d.position LIMIT ?5 + 0`,
  );
  const lease = db.prepare(
    'UPDATE deliveries SET node = ?1 WHERE project_id = ?2 AND event_id = ?3 AND endpoint_id = ?4',
  );
  const selectNext = db.prepare(
    `SELECT d.due_at AS dueAt
     FROM deliveries d CROSS JOIN events e ON e.project_id = d.project_id AND e.id = d.event_id
     WHERE d.project_id = ?1 AND d.endpoint_id = ?2 AND d.urgency = ?3 AND d.state = 'pending'
       AND d.node IS NULL AND d.due_at IS NOT NULL
     ORDER BY d.due_at LIMIT 1`,
  );
  return function claimDeliveries(claim: DeliveryClaim): ClaimedDeliveries {
    const { projectId, endpointId, urgency, node } = claim;
    const due = selectDue.all(projectId, endpointId, urgency, claim.nowMs, claim.limit);
    const deliveries: ClaimedDelivery[] = [];
    for (const { position, ...head } of due as unknown as DueRow[]) {
      if (deliveries.length >= claim.limit) break;
      deliveries.push(head);
      const room = Math.min(LINE_LIMIT, claim.limit - deliveries.length);
      if (head.orderKey === null || room === 0) continue;
      const line = selectLine.all(projectId, endpointId, head.orderKey, position, room);
      for (const { node: holder, ...next } of line as unknown as LineRow[]) {
        // Still held from before: those behind it may not overtake it.
        if (holder !== null) break;
        deliveries.push(next);
      }
    }
    for (const { eventId } of deliveries) lease.run(node, projectId, eventId, endpointId);
    const next = selectNext.get(projectId, endpointId, urgency) as { dueAt: number } | undefined;
    return { deliveries, nextDueAtMs: next?.dueAt ?? null };
  };
}

type DueRow = ClaimedDelivery & { position: number | null };
type LineRow = ClaimedDelivery & { node: string | null };

/**
 * How many come along from the line behind one delivery. They are given back when it fails, so many
 * would be read for nothing.
 */
const LINE_LIMIT = 64;
