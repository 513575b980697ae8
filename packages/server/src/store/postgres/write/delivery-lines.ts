import type { AttemptRecord, EventRecord } from '../../engine.ts';
import { bigintArray, textArray } from '../connect/arrays.ts';
import { all, type Transaction } from '../connect/transactions.ts';
import { endpointKeyOf, lineKeyOf, sortedByKey } from './row-keys.ts';

/**
 * Lines of deliveries (store/README.md, Order) when several change them at once. Whoever appends to a
 * line, ends one of it or moves it holds the endpoint's row in `delivery_lines` until he has committed,
 * so that each sees what the one before has made of it. Claims do not: they take what is free and due,
 * wait for nobody, and leave the order as it is.
 */
export interface LinesOfEndpoint {
  projectId: string;
  endpointId: string;
}

interface Line extends LinesOfEndpoint {
  orderKey: string;
}

/** The rows are made as they are needed, and stay: one for each endpoint. */
export function lockLines(
  tx: Transaction,
  endpoints: readonly LinesOfEndpoint[],
): Promise<unknown>[] {
  const sorted = [...sortedByKey(endpoints, endpointKeyOf).values()];
  if (sorted.length === 0) return [];
  const columns = [
    textArray(sorted.map(({ projectId }) => projectId)),
    textArray(sorted.map(({ endpointId }) => endpointId)),
  ];
  return [
    tx.send(
      `INSERT INTO posthorn.delivery_lines (project_id, endpoint_id)
       SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT (project_id, endpoint_id) DO NOTHING`,
      columns,
    ),
    tx.send(
      `SELECT 1 FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(project_id, endpoint_id, ord)
       JOIN posthorn.delivery_lines l USING (project_id, endpoint_id)
       ORDER BY k.ord FOR UPDATE OF l`,
      columns,
    ),
  ];
}

/** The lines of these events' deliveries in which somebody waits already. */
export async function findWaiting(
  tx: Transaction,
  events: readonly EventRecord[],
): Promise<Set<string>> {
  const given = events.flatMap(({ projectId, deliveries }) =>
    deliveries.flatMap(({ endpointId, orderKey, state }) =>
      orderKey === null || state !== 'pending' ? [] : [{ projectId, endpointId, orderKey }],
    ),
  );
  const lines = sortedByKey(given, lineKeyOf);
  if (lines.size === 0) return new Set();
  const { rows } = await tx.send<{ ord: number }>(
    `SELECT k.ord FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY
       AS k(project_id, endpoint_id, order_key, ord)
     WHERE EXISTS (SELECT 1 FROM posthorn.deliveries d WHERE d.project_id = k.project_id
       AND d.endpoint_id = k.endpoint_id AND d.order_key = k.order_key AND d.state = 'pending')`,
    columnsOf([...lines.values()]),
  );
  const keys = [...lines.keys()];
  return new Set(rows.map(({ ord }) => keys[ord - 1] ?? ''));
}

/** After these attempts: those that failed behind somebody wait in line, and who is first now is due. */
export async function mendLines(
  tx: Transaction,
  attempts: readonly AttemptRecord[],
): Promise<void> {
  const ordered = attempts.flatMap((attempt) => {
    const { orderKey, next, startedAtMs } = attempt;
    if (orderKey === null) return [];
    return [
      { ...attempt, orderKey, atMs: next.state === 'pending' ? startedAtMs : next.endedAtMs },
    ];
  });
  if (ordered.length === 0) return;
  const again = ordered.filter(({ next }) => next.state === 'pending');
  // The latest of each line says when: as if they had come one after the other.
  ordered.sort((a, b) => b.atMs - a.atMs);
  const lines = [...sortedByKey(ordered, lineKeyOf).values()];
  await all([standBehind(tx, again), moveUp(tx, lines)]);
}

async function standBehind(tx: Transaction, attempts: readonly AttemptRecord[]): Promise<void> {
  if (attempts.length === 0) return;
  await tx.send(
    `UPDATE posthorn.deliveries d SET due_at = NULL
     FROM unnest($1::text[], $2::text[], $3::text[]) AS k(project_id, event_id, endpoint_id)
     WHERE d.project_id = k.project_id AND d.event_id = k.event_id
       AND d.endpoint_id = k.endpoint_id AND d.state = 'pending' AND EXISTS (
         SELECT 1 FROM posthorn.deliveries x WHERE x.project_id = d.project_id
           AND x.endpoint_id = d.endpoint_id AND x.order_key = d.order_key AND x.state = 'pending'
           AND x.position < d.position)`,
    [
      textArray(attempts.map(({ projectId }) => projectId)),
      textArray(attempts.map(({ eventId }) => eventId)),
      textArray(attempts.map(({ endpointId }) => endpointId)),
    ],
  );
}

/** Makes the first of each line due, unless it is, or a node holds it. */
export async function moveUp(
  tx: Transaction,
  lines: readonly (Line & { atMs: number })[],
): Promise<void> {
  if (lines.length === 0) return;
  await tx.send(
    `UPDATE posthorn.deliveries d SET due_at = k.at_ms
     FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
       AS k(project_id, endpoint_id, order_key, at_ms)
     WHERE d.project_id = k.project_id AND d.endpoint_id = k.endpoint_id
       AND d.order_key = k.order_key AND d.node IS NULL AND d.due_at IS NULL AND d.state = 'pending'
       AND d.event_id = (SELECT x.event_id FROM posthorn.deliveries x
         WHERE x.project_id = k.project_id AND x.endpoint_id = k.endpoint_id
           AND x.order_key = k.order_key AND x.state = 'pending' ORDER BY x.position LIMIT 1)`,
    [...columnsOf(lines), bigintArray(lines.map(({ atMs }) => atMs))],
  );
}

function columnsOf(lines: readonly Line[]): Buffer[] {
  return [
    textArray(lines.map(({ projectId }) => projectId)),
    textArray(lines.map(({ endpointId }) => endpointId)),
    textArray(lines.map(({ orderKey }) => orderKey)),
  ];
}
