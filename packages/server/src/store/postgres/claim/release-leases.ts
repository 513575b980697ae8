import { all, type Transaction } from '../connect/transactions.ts';
import { type LinesOfEndpoint, lockLines } from '../write/delivery-lines.ts';

/** Makes due again what nodes hold that are gone; in a line only where it is first by now. */
export async function releaseLeases(
  tx: Transaction,
  { exceptNode, nowMs }: { exceptNode: string; nowMs: number },
): Promise<{ released: number }> {
  const { rows } = await tx.send<LinesOfEndpoint>(
    `SELECT DISTINCT project_id AS "projectId", endpoint_id AS "endpointId"
     FROM posthorn.deliveries WHERE node IS NOT NULL AND node <> $1 AND order_key IS NOT NULL
       AND node NOT IN (SELECT id FROM posthorn.nodes)`,
    [exceptNode],
  );
  const locks = lockLines(tx, rows);
  const [deliveries, transmissions] = await all([
    tx.send(
      `UPDATE posthorn.deliveries d SET node = NULL, due_at = CASE WHEN EXISTS (
         SELECT 1 FROM posthorn.deliveries x WHERE x.project_id = d.project_id
           AND x.endpoint_id = d.endpoint_id AND x.order_key = d.order_key
           AND x.state = 'pending' AND x.position < d.position) THEN NULL ELSE $2::bigint END
       WHERE d.node IS NOT NULL AND d.node <> $1
         AND d.node NOT IN (SELECT id FROM posthorn.nodes)`,
      [exceptNode, nowMs],
    ),
    tx.send(
      `UPDATE posthorn.transmissions SET node = NULL, due_at = $2
       WHERE node IS NOT NULL AND node <> $1 AND node NOT IN (SELECT id FROM posthorn.nodes)`,
      [exceptNode, nowMs],
    ),
    ...locks,
  ]);
  return { released: deliveries.count + transmissions.count };
}
