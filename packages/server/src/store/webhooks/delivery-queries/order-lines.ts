import type { Kysely } from 'kysely';
import type { Statement } from '../../engine.ts';
import { toStatement } from '../../statement.ts';
import type { Tables } from '../../tables.ts';

/** The deliveries of one endpoint and order key that are pending: they go one after the other. */
export interface OrderLine {
  projectId: string;
  endpointId: string;
  orderKey: string;
  /** The earliest place that somebody takes; absent where places only become free. */
  fromPosition?: number;
}

/**
 * Changes to lines: whoever is first and is not so any more after them gives up being due, then the
 * changes are made, then whoever is first becomes due, unless it is due at some time already: one that
 * waits for its next try is not tried sooner because others came behind it. What a node holds stays
 * as it is: it is on its way.
 */
export function aroundLines(
  db: Kysely<Tables>,
  lines: readonly OrderLine[],
  nowMs: number,
  changes: readonly Statement[],
): Statement[] {
  const each = distinct(lines);
  return [
    ...each.flatMap((line) => {
      if (line.fromPosition === undefined) return [];
      const overtaken = updateFirst(db, line).where('position', '>', line.fromPosition);
      return [toStatement(overtaken.set({ due_at: null }))];
    }),
    ...changes,
    ...each.map((line) => {
      const standing = updateFirst(db, line).where('due_at', 'is', null);
      return { ...toStatement(standing.set({ due_at: nowMs })), lines: [line] };
    }),
  ];
}

function distinct(lines: readonly OrderLine[]): OrderLine[] {
  const found = new Map<string, OrderLine>();
  for (const line of lines) {
    const key = JSON.stringify([line.projectId, line.endpointId, line.orderKey]);
    const { fromPosition = Infinity } = line;
    const known = found.get(key)?.fromPosition ?? Infinity;
    if (!found.has(key) || fromPosition < known) found.set(key, line);
  }
  return [...found.values()];
}

function updateFirst(db: Kysely<Tables>, { projectId, endpointId, orderKey }: OrderLine) {
  return db
    .updateTable('deliveries')
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
    );
}
