import type { DatabaseSync } from 'node:sqlite';
import { type EventPosition, sealEventBody } from '../../core/event-body.ts';
import { higherStanding, type Standing } from '../../core/recipient-state.ts';
import type { AppendedEvent, EventRecord } from '../engine.ts';
import type { EventsTable, RecipientStatesTable } from '../tables.ts';

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
    `INSERT INTO deliveries (project_id, event_id, endpoint_id, state, attempts, failures, due_at,
       node, created_at, retain_until)
     VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?, ?)`,
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

  function takePosition(event: EventRecord): EventPosition | null {
    const { projectId, messageKey, recipient } = event;
    if (messageKey === null || recipient === null) return null;
    const row = readState.get(projectId, messageKey, recipient) as
      | Pick<RecipientStatesTable, 'sequence' | 'state' | 'state_rank' | 'state_at'>
      | undefined;
    const before = row === undefined ? null : standingOfRow(row);
    const after = higherStanding(before, event.standing);
    const sequence = (row?.sequence ?? 0) + 1;
    writeState.run(
      projectId,
      messageKey,
      recipient,
      sequence,
      after?.state ?? null,
      after?.rank ?? null,
      after?.atMs ?? null,
      event.retainUntilMs,
    );
    return { sequence, state: after?.state ?? null, previousState: before?.state ?? null };
  }

  return function appendEvent(event: EventRecord): AppendedEvent {
    if (event.dedupKey !== null) {
      const found = findDuplicate.get(event.projectId, event.id, event.dedupKey) as
        | Pick<EventsTable, 'id'>
        | undefined;
      if (found !== undefined) return { id: event.id, duplicateOf: found.id, position: null };
    }
    const position = takePosition(event);
    insertEvent.run(
      event.projectId,
      event.id,
      event.type,
      event.messageKey,
      event.recipient,
      event.occurredAtMs,
      event.receivedAtMs,
      event.dedupKey,
      sealEventBody(event.json, position),
      event.raw,
      event.retainUntilMs,
    );
    for (const owed of event.deliveries) {
      insertDelivery.run(
        event.projectId,
        event.id,
        owed.endpointId,
        owed.state,
        owed.dueAtMs,
        owed.node,
        event.receivedAtMs,
        event.retainUntilMs,
      );
    }
    return { id: event.id, duplicateOf: null, position };
  };
}

function standingOfRow(
  row: Pick<RecipientStatesTable, 'state' | 'state_rank' | 'state_at'>,
): Standing | null {
  if (row.state === null || row.state_rank === null || row.state_at === null) return null;
  return { state: row.state, rank: row.state_rank, atMs: row.state_at };
}
