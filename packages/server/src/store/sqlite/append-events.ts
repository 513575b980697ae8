import type { DatabaseSync } from 'node:sqlite';
// Not by the package's index: each database thread would compile every provider.
import { higherStanding, type Standing } from '@posthorn/sdk/src/recipient-state.ts';
import { type EventPosition, sealEventBody } from '../../core/events/event-body.ts';
import type { RecipientStatesTable } from '../tables.ts';
import type { Row } from './protocol.ts';
import {
  DELIVERIES_AT,
  DELIVERY_WIDTH,
  EVENT_COLUMNS,
  STANDING_AT,
  toAppendedRow,
} from './rows.ts';

/**
 * Inserts events and the deliveries they owe. Runs inside the writer's transaction, one event after
 * the other, so a duplicate within the batch is seen too.
 */
export function prepareAppendEvents(db: DatabaseSync) {
  const findDuplicate = db.prepare(
    'SELECT id FROM events WHERE project_id = ?1 AND (id = ?2 OR dedup_key = ?3) LIMIT 1',
  );
  const insertEvent = db.prepare(
    `INSERT INTO events (project_id, id, type, message_key, recipient, occurred_at, received_at,
       dedup_key, body, raw, retain_until)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertDelivery = db.prepare(
    `INSERT INTO deliveries (project_id, event_id, endpoint_id, state, urgency, attempts, failures,
       due_at, node, created_at, retain_until)
     VALUES (?, ?, ?, ?, ?, 0, 0, ?, ?, ?, ?)`,
  );
  // Behind an earlier one of its key that is pending, it has no due time: it stands in line.
  const insertOrdered = db.prepare(
    `INSERT INTO deliveries (project_id, event_id, endpoint_id, state, urgency, attempts, failures,
       due_at, node, order_key, created_at, retain_until, position)
     SELECT ?1, ?2, ?3, ?4, ?5, 0, 0,
       iif(EXISTS (SELECT 1 FROM deliveries WHERE project_id = ?1 AND endpoint_id = ?3
         AND order_key = ?8 AND state = 'pending'), NULL, ?6),
       ?7, ?8, ?9, ?10, ?11`,
  );
  const readState = db.prepare(
    `SELECT sequence, state, state_rank, state_at FROM recipient_states
     WHERE project_id = ? AND message_key = ? AND recipient = ?`,
  );
  const writeState = db.prepare(
    `INSERT INTO recipient_states (project_id, message_key, recipient, sequence, state, state_rank,
       state_at, retain_until)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
     ON CONFLICT (project_id, message_key, recipient) DO UPDATE SET sequence = excluded.sequence,
       state = excluded.state, state_rank = excluded.state_rank, state_at = excluded.state_at,
       retain_until = max(retain_until, excluded.retain_until)`,
  );

  function takePosition(row: Row): EventPosition | null {
    const [projectId = null, , , messageKey = null, recipient = null] = row;
    if (messageKey === null || recipient === null) return null;
    const before = toStanding(
      readState.get(projectId, messageKey, recipient) as StateRow | undefined,
    );
    const after = higherStanding(before.standing, standingIn(row));
    const sequence = before.sequence + 1;
    const retainUntil = row[EVENT_COLUMNS - 1] ?? null;
    const state = [after?.state ?? null, after?.rank ?? null, after?.atMs ?? null];
    writeState.run(projectId, messageKey, recipient, sequence, ...state, retainUntil);
    return { sequence, state: after?.state ?? null, previousState: before.standing?.state ?? null };
  }

  return function appendEvent(row: Row): Row {
    const [projectId = null, id = null] = row;
    const dedupKey = row[7] ?? null;
    if (dedupKey !== null) {
      const found = findDuplicate.get(projectId, id, dedupKey) as { id: string } | undefined;
      if (found !== undefined) return toAppendedRow({ duplicateOf: found.id });
    }
    const position = takePosition(row);
    const event = row.slice(0, EVENT_COLUMNS);
    event[JSON_AT] = sealEventBody(String(row[JSON_AT]), position);
    const { lastInsertRowid: logPosition } = insertEvent.run(...event);
    const receivedAt = row[6] ?? null;
    const retainUntil = row[EVENT_COLUMNS - 1] ?? null;
    for (let i = DELIVERIES_AT; i < row.length; i += DELIVERY_WIDTH) {
      const owed = row.slice(i, i + DELIVERY_WIDTH);
      const orderKey = owed.pop() ?? null;
      const pair = [projectId, id, ...owed];
      if (orderKey === null) insertDelivery.run(...pair, receivedAt, retainUntil);
      else insertOrdered.run(...pair, orderKey, receivedAt, retainUntil, logPosition);
    }
    return toAppendedRow({ place: Number(logPosition), position });
  };
}

const JSON_AT = 8;

type StateRow = Pick<RecipientStatesTable, 'sequence' | 'state' | 'state_rank' | 'state_at'>;

function toStanding(row: StateRow | undefined): { sequence: number; standing: Standing | null } {
  if (row === undefined) return { sequence: 0, standing: null };
  const { sequence, state, state_rank: rank, state_at: atMs } = row;
  if (state === null || rank === null || atMs === null) return { sequence, standing: null };
  return { sequence, standing: { state, rank, atMs } };
}

function standingIn(row: Row): Standing | null {
  const [rank, atMs, state] = row.slice(STANDING_AT, DELIVERIES_AT);
  if (rank === null || rank === undefined) return null;
  return { rank: Number(rank), atMs: Number(atMs), state: state as Standing['state'] };
}
