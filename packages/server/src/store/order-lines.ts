import type { Kysely } from 'kysely';
import type { Statement } from './engine.ts';
import { toStatement } from './statement.ts';
import type { Tables } from './tables.ts';

/** The deliveries of one endpoint and order key that are pending: they go one after the other. */
export interface OrderLine {
  projectId: string;
  endpointId: string;
  orderKey: string;
}

/**
 * Changes to lines: whoever is first gives up being due, then the changes are made, then whoever is
 * first by now becomes due. What a node holds stays as it is: it is on its way.
 */
export function aroundLines(
  db: Kysely<Tables>,
  lines: readonly OrderLine[],
  nowMs: number,
  changes: readonly Statement[],
): Statement[] {
  const each = [...new Map(lines.map((line) => [JSON.stringify(line), line])).values()];
  return [
    ...each.map((line) => setFirst(db, line, null)),
    ...changes,
    ...each.map((line) => setFirst(db, line, nowMs)),
  ];
}

function setFirst(db: Kysely<Tables>, line: OrderLine, dueAtMs: number | null): Statement {
  const { projectId, endpointId, orderKey } = line;
  return toStatement(
    db
      .updateTable('deliveries')
      .set({ due_at: dueAtMs })
      .where('project_id', '=', projectId)
      .where('endpoint_id', '=', endpointId)
      .where('state', '=', 'pending')
      .where('node', 'is', null)
      .where('event_id', '=', (sub) =>
        sub
          .selectFrom('deliveries as first')
          .select('first.event_id')
          .where('first.project_id', '=', projectId)
          .where('first.endpoint_id', '=', endpointId)
          .where('first.order_key', '=', orderKey)
          .where('first.state', '=', 'pending')
          .orderBy('first.position')
          .limit(1),
      ),
  );
}
