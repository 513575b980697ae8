import { higherStanding, type RecipientState, type Standing } from '@posthorn/sdk';
import type { EventPosition } from '../../../core/events/event-body.ts';
import type { EventRecord } from '../../engine.ts';
import { bigintArray, textArray } from '../connect/arrays.ts';
import { LostRace } from '../connect/faults.ts';
import type { Transaction } from '../connect/transactions.ts';
import { sortedByKey, stateKeyOf } from './row-keys.ts';

interface StoredStanding {
  sequence: number;
  standing: Standing | null;
}

interface StateRow {
  ord: number;
  sequence: number;
  state: RecipientState | null;
  state_rank: number | null;
  state_at: number | null;
}

/** The fold over the events of messages and recipients: locked and read, folded on, written. */
export interface RecipientStates {
  /** Counts an event in, and says where it stands; null where it is of no message and recipient. */
  fold(event: EventRecord): EventPosition | null;
  /** Sends what the fold has become. */
  write(tx: Transaction): Promise<void>[];
}

/** Locks the states of these events' messages and recipients, as far as there are any. */
export async function lockStates(
  tx: Transaction,
  events: readonly EventRecord[],
): Promise<RecipientStates> {
  const byKey = sortedByKey(events, stateKeyOf);
  const given = [...byKey.values()];
  const rows = given.length === 0 ? [] : await readLocked(tx, given);
  const keys = [...byKey.keys()];
  const known = new Set<string>();
  const standings = new Map<string, StoredStanding>();
  for (const { ord, sequence, ...row } of rows) {
    const key = keys[ord - 1] ?? '';
    known.add(key);
    standings.set(key, { sequence, standing: toStanding(row) });
  }
  /** Until when each changed state is kept. */
  const changed = new Map<string, number>();

  return {
    fold(event) {
      const key = stateKeyOf(event);
      if (key === null) return null;
      const before = standings.get(key) ?? { sequence: 0, standing: null };
      const standing = higherStanding(before.standing, event.standing);
      const sequence = before.sequence + 1;
      standings.set(key, { sequence, standing });
      changed.set(key, Math.max(event.retainUntilMs, changed.get(key) ?? 0));
      const previousState = before.standing?.state ?? null;
      return { sequence, state: standing?.state ?? null, previousState };
    },
    write(tx) {
      const columnsOf = (some: readonly string[]): Buffer[] => {
        const events = some.map((key) => byKey.get(key));
        const after = some.map((key) => standings.get(key));
        return [
          textArray(events.map((event) => event?.projectId ?? null)),
          textArray(events.map((event) => event?.messageKey ?? null)),
          textArray(events.map((event) => event?.recipient ?? null)),
          bigintArray(after.map((one) => one?.sequence ?? null)),
          textArray(after.map((one) => one?.standing?.state ?? null)),
          bigintArray(after.map((one) => one?.standing?.rank ?? null)),
          bigintArray(after.map((one) => one?.standing?.atMs ?? null)),
          bigintArray(some.map((key) => changed.get(key) ?? null)),
        ];
      };
      const sorted = keys.filter((key) => changed.has(key));
      return [
        [INSERT, sorted.filter((key) => !known.has(key))] as const,
        [UPDATE, sorted.filter((key) => known.has(key))] as const,
      ].flatMap(([text, some]) =>
        some.length === 0 ? [] : writeAll(tx, text, columnsOf(some), some.length),
      );
    },
  };
}

export const LOCK_TEXT = `SELECT k.ord, r.sequence, r.state, r.state_rank, r.state_at
  FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY
    AS k(project_id, message_key, recipient, ord)
  JOIN posthorn.recipient_states r USING (project_id, message_key, recipient)
  ORDER BY k.ord FOR UPDATE OF r`;

async function readLocked(tx: Transaction, events: readonly EventRecord[]): Promise<StateRow[]> {
  const { rows } = await tx.send<StateRow>(LOCK_TEXT, [
    textArray(events.map((event) => event.projectId)),
    textArray(events.map((event) => event.messageKey)),
    textArray(events.map((event) => event.recipient)),
  ]);
  return rows;
}

function toStanding({
  state,
  state_rank: rank,
  state_at: atMs,
}: Omit<StateRow, 'ord' | 'sequence'>): Standing | null {
  return state === null || rank === null || atMs === null ? null : { state, rank, atMs };
}

const GIVEN = `unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[],
  $7::bigint[], $8::bigint[]) AS k(project_id, message_key, recipient, sequence, state, state_rank,
  state_at, retain_until)`;
const INSERT = `INSERT INTO posthorn.recipient_states (project_id, message_key, recipient, sequence,
  state, state_rank, state_at, retain_until) SELECT * FROM ${GIVEN}
  ON CONFLICT (project_id, message_key, recipient) DO NOTHING`;
const UPDATE = `UPDATE posthorn.recipient_states r SET sequence = k.sequence, state = k.state,
  state_rank = k.state_rank, state_at = k.state_at,
  retain_until = greatest(r.retain_until, k.retain_until) FROM ${GIVEN}
  WHERE r.project_id = k.project_id AND r.message_key = k.message_key
    AND r.recipient = k.recipient`;

/** What was there is locked. What was not may have come meanwhile from another node. */
async function writeAll(
  tx: Transaction,
  text: string,
  columns: Buffer[],
  length: number,
): Promise<void> {
  const { count } = await tx.send(text, columns);
  if (count < length) throw new LostRace();
}
