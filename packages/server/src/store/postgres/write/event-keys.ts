import type { EventRecord } from '../../engine.ts';
import { bigintArray, textArray } from '../connect/arrays.ts';
import { LostRace } from '../connect/faults.ts';
import type { Transaction } from '../connect/transactions.ts';
import { dedupKeyOf, idKeyOf, sortedByKey } from './row-keys.ts';

/**
 * Takes the keys of events, and returns those that were free. One that another node is about to take is
 * waited for.
 */
export async function takeKeys(
  tx: Transaction,
  events: readonly EventRecord[],
): Promise<Set<string>> {
  const keyed = sortedByKey(events, dedupKeyOf);
  if (keyed.size === 0) return new Set();
  const given = [...keyed.values()];
  const { rows } = await tx.send<{ project_id: string; dedup_key: string }>(
    `INSERT INTO posthorn.event_keys (project_id, dedup_key, event_id, retain_until)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
     ON CONFLICT (project_id, dedup_key) DO NOTHING RETURNING project_id, dedup_key`,
    [
      textArray(given.map((event) => event.projectId)),
      textArray(given.map((event) => event.dedupKey)),
      textArray(given.map((event) => event.id)),
      bigintArray(given.map((event) => event.retainUntilMs)),
    ],
  );
  if (rows.length === keyed.size) return new Set(keyed.keys());
  const taken = rows.map((row) => [row.project_id, row.dedup_key].join('\u0000'));
  return new Set(taken);
}

/** Which of these events are stored already under their own id, as keys of row-keys.ts. */
export async function findIds(
  tx: Transaction,
  events: readonly EventRecord[],
): Promise<Set<string>> {
  const { rows } = await tx.send<{ project_id: string; id: string }>(
    `SELECT e.project_id, e.id FROM unnest($1::text[], $2::text[]) AS k(project_id, id)
     JOIN posthorn.events e ON e.project_id = k.project_id AND e.id = k.id`,
    [textArray(events.map((event) => event.projectId)), textArray(events.map((event) => event.id))],
  );
  return new Set(rows.map((row) => idKeyOf({ projectId: row.project_id, id: row.id })));
}

/** Of each event that is stored already, the id that it has there. */
export async function findDuplicates(
  tx: Transaction,
  events: readonly EventRecord[],
  taken: ReadonlySet<string>,
  ids: ReadonlySet<string>,
): Promise<Map<EventRecord, string>> {
  const found = new Map<EventRecord, string>();
  const known: EventRecord[] = [];
  for (const event of events) {
    const key = dedupKeyOf(event);
    if (key === null) continue;
    if (!taken.has(key)) known.push(event);
    else if (ids.has(idKeyOf(event))) found.set(event, event.id);
  }
  if (known.length === 0) return found;
  const { rows } = await tx.send<{ ord: number; event_id: string }>(
    `SELECT k.ord, e.event_id
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(project_id, dedup_key, ord)
     JOIN posthorn.event_keys e USING (project_id, dedup_key)`,
    [
      textArray(known.map((event) => event.projectId)),
      textArray(known.map((event) => event.dedupKey)),
    ],
  );
  // Retention took a key between the two statements.
  if (rows.length < known.length) throw new LostRace();
  for (const { ord, event_id } of rows) {
    const event = known[ord - 1];
    if (event !== undefined) found.set(event, event_id);
  }
  return found;
}
