import type { DatabaseSync } from 'node:sqlite';
import type { ClaimedTransmissions, TransmissionClaim } from '../engine.ts';
import type { TransmissionsTable } from '../tables.ts';

type DueRow = Pick<
  TransmissionsTable,
  'project_id' | 'message_id' | 'recipient' | 'domain' | 'attempts' | 'reached_server'
> & { expires_at: number | null };

/**
 * Walks the partial index transmissions_due; domains whose lanes are full are passed over. `LIMIT ?3 + 0`, since
 * SQLite plans a query anew for each value of a bare `LIMIT ?`, which cost a third of a claim.
 */
export function prepareClaimTransmissions(db: DatabaseSync) {
  const selectDue = db.prepare(
    `SELECT project_id, message_id, recipient, domain, attempts, reached_server,
       (SELECT expires_at FROM messages m WHERE m.project_id = t.project_id AND m.id = t.message_id)
         AS expires_at
     FROM transmissions t
     WHERE state = 'queued' AND node IS NULL AND due_at <= ?1
       AND domain NOT IN (SELECT value FROM json_each(?2))
     ORDER BY due_at LIMIT ?3 + 0`,
  );
  const lease = db.prepare(
    'UPDATE transmissions SET node = ?1 WHERE project_id = ?2 AND message_id = ?3 AND recipient = ?4',
  );
  const selectNext = db.prepare(
    `SELECT due_at AS dueAt FROM transmissions WHERE state = 'queued' AND node IS NULL
       AND domain NOT IN (SELECT value FROM json_each(?1))
     ORDER BY due_at LIMIT 1`,
  );
  return function claimTransmissions(claim: TransmissionClaim): ClaimedTransmissions {
    const except = JSON.stringify(claim.exceptDomains);
    const rows = selectDue.all(claim.nowMs, except, claim.limit) as unknown as DueRow[];
    for (const row of rows) lease.run(claim.node, row.project_id, row.message_id, row.recipient);
    const next = selectNext.get(except) as { dueAt: number } | undefined;
    return {
      transmissions: rows.map((row) => ({
        projectId: row.project_id,
        messageId: row.message_id,
        recipient: row.recipient,
        domain: row.domain,
        attempts: row.attempts,
        reachedServer: row.reached_server === 1,
        expiresAtMs: row.expires_at,
      })),
      nextDueAtMs: next?.dueAt ?? null,
    };
  };
}
