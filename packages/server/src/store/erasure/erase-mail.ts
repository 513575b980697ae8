import type { Kysely } from 'kysely';
import type { Person } from '../../core/erase-person.ts';
import type { Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import type { Tables, TransmissionsTable } from '../tables.ts';
import { type ErasureWalk, readWindow } from './erasure-walk.ts';

type TransmissionRow = Pick<
  TransmissionsTable,
  'message_id' | 'recipient' | 'position' | 'state' | 'node'
>;

/**
 * Mail to the person: what is queued or held is not sent any more, `erased-` and a number takes the place of
 * the address, and the bytes go. A message that is still queued for others keeps its bytes until they
 * have it; then they go too, since its header may name him.
 */
export function createTransmissionErasure(db: Kysely<Tables>): ErasureWalk {
  const key = ['message_id', 'recipient'] as const;
  const columns = [...key, 'position', 'state', 'node'] as const;
  const from = { table: 'transmissions', key, texts: ['recipient'], columns } as const;
  return async (input) => {
    const { projectId, person, after, nowMs } = input;
    const { rows, last } = await readWindow(db, from, input);
    const theirs = rows.filter((row) => person.has(row.recipient));
    // An SMTP transaction that is under way must find its row again to say how it ended.
    const free = theirs.filter((row) => row.node === null);
    const wait = free.length < theirs.length;
    return {
      statements: free.flatMap((row) => [
        ...eraseTransmission(db, projectId, row),
        ...eraseBytes(db, projectId, row.message_id, nowMs),
        eraseMessage(db, projectId, row.message_id),
      ]),
      changed: free.length,
      last: wait ? after : last,
      wait,
    };
  };
}

function eraseTransmission(
  db: Kysely<Tables>,
  projectId: string,
  row: TransmissionRow,
): Statement[] {
  const recipient = `erased-${row.position}`;
  const isWaiting = row.state === 'queued' || row.state === 'held';
  return [
    toStatement(
      db
        .updateTable('transmissions')
        .set({ recipient, domain: '', ...(isWaiting ? { state: 'failed' } : {}) })
        .where('project_id', '=', projectId)
        .where('message_id', '=', row.message_id)
        .where('recipient', '=', row.recipient)
        .where('node', 'is', null),
      1,
    ),
    toStatement(
      db
        .updateTable('recipient_states')
        .set({ recipient })
        .where('project_id', '=', projectId)
        .where('message_key', '=', row.message_id)
        .where('recipient', '=', row.recipient),
    ),
  ];
}

function eraseBytes(
  db: Kysely<Tables>,
  projectId: string,
  messageId: string,
  nowMs: number,
): Statement[] {
  const waiting = recipientsOf(db, projectId, messageId).where('state', 'in', ['queued', 'held']);
  const held = recipientsOf(db, projectId, messageId).where('state', '=', 'held');
  return [
    toStatement(
      db
        .deleteFrom('message_bodies')
        .where('project_id', '=', projectId)
        .where('message_id', '=', messageId)
        .where((eb) => eb.not(eb.exists(waiting))),
    ),
    toStatement(
      db
        .deleteFrom('held_messages')
        .where('project_id', '=', projectId)
        .where('message_id', '=', messageId)
        .where((eb) => eb.not(eb.exists(held))),
    ),
    // Otherwise retention takes them as soon as nobody waits for them.
    toStatement(
      db
        .updateTable('message_bodies')
        .set({ retain_until: nowMs })
        .where('project_id', '=', projectId)
        .where('message_id', '=', messageId)
        .where('retain_until', '>', nowMs),
    ),
  ];
}

/** What was noted with a message goes when nobody is left to whom it went. */
function eraseMessage(db: Kysely<Tables>, projectId: string, messageId: string): Statement {
  const others = recipientsOf(db, projectId, messageId).where('recipient', 'like', '%@%');
  return toStatement(
    db
      .updateTable('messages')
      .set({ subject: null, tags: '[]', metadata: '{}', dsn: null })
      .where('project_id', '=', projectId)
      .where('id', '=', messageId)
      .where((eb) => eb.not(eb.exists(others))),
  );
}

function recipientsOf(db: Kysely<Tables>, projectId: string, messageId: string) {
  return db
    .selectFrom('transmissions')
    .select('recipient')
    .where('project_id', '=', projectId)
    .where('message_id', '=', messageId);
}

/** Messages that name the person: in the subject, in what was noted with them, or as their sender. */
export function createMessageErasure(db: Kysely<Tables>): ErasureWalk {
  const texts = ['envelope_from', 'header_from', 'subject', 'tags', 'metadata', 'dsn'] as const;
  const from = { table: 'messages', key: ['id'], texts, columns: ['id', ...texts] } as const;
  return async (input) => {
    const { projectId, person } = input;
    const { rows, last } = await readWindow(db, from, input);
    const statements = rows.map((row) =>
      toStatement(
        db
          .updateTable('messages')
          .set({
            envelope_from: person.replace(row.envelope_from),
            header_from: person.replace(row.header_from),
            subject: person.replace(row.subject),
            tags: replaceInJson(row.tags, person),
            metadata: replaceInJson(row.metadata, person),
            dsn: row.dsn === null ? null : replaceInJson(row.dsn, person),
          })
          .where('project_id', '=', projectId)
          .where('id', '=', row.id),
      ),
    );
    return { statements, changed: statements.length, last };
  };
}

function replaceInJson(json: string, person: Person): string {
  return JSON.stringify(person.replace(JSON.parse(json)));
}
