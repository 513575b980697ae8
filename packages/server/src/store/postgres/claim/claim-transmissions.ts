import type { ClaimedTransmissions, TransmissionClaim } from '../../engine.ts';
import type { TransmissionsTable } from '../../tables.ts';
import { textArray } from '../connect/arrays.ts';
import type { Capabilities } from '../connect/capabilities.ts';
import type { Transaction } from '../connect/transactions.ts';

type DueRow = Pick<
  TransmissionsTable,
  'project_id' | 'message_id' | 'recipient' | 'domain' | 'attempts' | 'reached_server'
> & { expires_at: number | null };

const WAITS = "state = 'queued' AND node IS NULL AND domain <> ALL ($1::text[])";

/** Walks the partial index transmissions_due; domains whose lanes are full are passed over. */
export async function claimTransmissions(
  tx: Transaction,
  claim: TransmissionClaim,
  { skipLocked }: Pick<Capabilities, 'skipLocked'>,
): Promise<ClaimedTransmissions> {
  const except = textArray(claim.exceptDomains);
  const { rows } = await tx.send<DueRow>(
    `SELECT project_id, message_id, recipient, domain, attempts, reached_server,
       (SELECT expires_at FROM posthorn.messages m
        WHERE m.project_id = t.project_id AND m.id = t.message_id) AS expires_at
     FROM posthorn.transmissions t WHERE ${WAITS} AND due_at <= $2
     ORDER BY due_at LIMIT ${Math.trunc(claim.limit)} FOR UPDATE OF t${skipLocked ? ' SKIP LOCKED' : ''}`,
    [except, claim.nowMs],
  );
  if (rows.length > 0) {
    await tx.send(
      `UPDATE posthorn.transmissions t SET node = $1
       FROM unnest($2::text[], $3::text[], $4::text[]) AS k(project_id, message_id, recipient)
       WHERE t.project_id = k.project_id AND t.message_id = k.message_id
         AND t.recipient = k.recipient`,
      [
        claim.node,
        textArray(rows.map((row) => row.project_id)),
        textArray(rows.map((row) => row.message_id)),
        textArray(rows.map((row) => row.recipient)),
      ],
    );
  }
  const next = await tx.send<{ dueAt: number }>(
    `SELECT due_at AS "dueAt" FROM posthorn.transmissions WHERE ${WAITS} ORDER BY due_at LIMIT 1`,
    [except],
  );
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
    nextDueAtMs: next.rows[0]?.dueAt ?? null,
  };
}
