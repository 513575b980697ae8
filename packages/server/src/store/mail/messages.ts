import type { Page } from '../../core/cursor.ts';
import type { DsnRequest } from '../../core/mail/dsn.ts';
import type { Stream } from '../../core/mail/streams.ts';
import type { MessageTracking } from '../../core/mail/tracking.ts';
import type { Engine, Statement } from '../engine.ts';
import { createRowWrite, toStatement } from '../statement.ts';
import type { MessageBodiesTable, MessagesTable } from '../tables.ts';
import { fromMessageRow, toMessageRow } from './message-row.ts';
import { type MessageQuery, searchMessages } from './message-search.ts';
import { createOutgoingReader, type OutgoingReader } from './outgoing-messages.ts';
import {
  createQueueing,
  createTransmissions,
  type NewTransmission,
  type Transmissions,
} from './transmissions.ts';

export interface MessageRecord {
  projectId: string;
  id: string;
  acceptedBy: 'http' | 'smtp';
  /** Taken with a sandbox key: what happens to it is made up, and it is never sent. */
  sandbox: boolean;
  stream: Stream;
  envelopeFrom: string;
  /** The address of the From header. */
  headerFrom: string;
  subject: string | null;
  /** The Message-ID header with its angle brackets. */
  smtpId: string;
  tags: string[];
  metadata: Record<string, unknown>;
  /** Each recipient gets a copy of his own; null: all get what is stored. */
  tracking: MessageTracking | null;
  /** The notifications that its sender asked for; null: none. */
  dsn: DsnRequest | null;
  sizeBytes: number;
  createdAtMs: number;
  /** When its first attempt falls, of a scheduled one; null: at once. */
  sendAtMs: number | null;
  /** When delivery is given up. */
  expiresAtMs: number;
  retainUntilMs: number;
}

/** Messages, their bytes, and their recipients in the mail queue. */
export interface Messages extends Transmissions {
  /** Statements that store a message, its bytes and its place in the queue; for EventLog.append. */
  insertion(input: {
    message: MessageRecord;
    raw: Uint8Array;
    bodyRetainUntilMs: number;
    transmissions: readonly NewTransmission[];
  }): Statement[];
  /** Of a message that was let go: its times count from then on, and it is signed; for EventLog.append. */
  renewal(input: {
    message: Pick<
      MessageRecord,
      'projectId' | 'id' | 'sizeBytes' | 'expiresAtMs' | 'retainUntilMs'
    >;
    /** null: the bytes stay as they are. */
    raw: Uint8Array | null;
    bodyRetainUntilMs: number;
  }): Statement[];
  get(projectId: string, id: string): Promise<MessageRecord | null>;
  /** Those of these that there are, the newest first. */
  some(projectId: string, ids: readonly string[]): Promise<MessageRecord[]>;
  raw(projectId: string, id: string): Promise<Uint8Array | null>;
  /** With its bytes; what is asked for at the same moment is read together. */
  outgoing: OutgoingReader;
  /** Which of these projects has the message. */
  projectOf(id: string, projectIds: readonly string[]): Promise<string | null>;
  /**
   * The newest first. A page may have fewer rows than asked for, or none, and still lead to a next one:
   * what no index knows is looked for in a bounded number of messages a page.
   */
  list(query: MessageQuery): Promise<Page<MessageRecord>>;
}

/** Parameters of one statement; each engine takes a thousand of them. */
const PROJECTS_AT_ONCE = 500;

export function createMessages(engine: Engine): Messages {
  const { db, lists } = engine;
  const insertMessage = createRowWrite((row: MessagesTable) =>
    db.insertInto('messages').values(row),
  );
  const insertBody = createRowWrite((row: MessageBodiesTable) =>
    db.insertInto('message_bodies').values(row),
  );
  const queueing = createQueueing(db);

  async function raw(projectId: string, id: string): Promise<Uint8Array | null> {
    const row = await db
      .selectFrom('message_bodies')
      .select('raw')
      .where('project_id', '=', projectId)
      .where('message_id', '=', id)
      .executeTakeFirst();
    return row?.raw ?? null;
  }

  return {
    ...createTransmissions(engine),
    insertion({ message, raw: bytes, bodyRetainUntilMs, transmissions }) {
      const project_id = message.projectId;
      const message_id = message.id;
      const body = { project_id, message_id, raw: bytes, retain_until: bodyRetainUntilMs };
      return [
        insertMessage(toMessageRow(message)),
        insertBody(body),
        ...queueing(message, transmissions),
      ];
    },
    renewal({ message: { projectId, id, ...fields }, raw: bytes, bodyRetainUntilMs }) {
      const { sizeBytes, expiresAtMs, retainUntilMs } = fields;
      const body = bytes === null ? {} : { raw: bytes };
      return [
        toStatement(
          db
            .updateTable('messages')
            .set({ size_bytes: sizeBytes, expires_at: expiresAtMs, retain_until: retainUntilMs })
            .where('project_id', '=', projectId)
            .where('id', '=', id),
          1,
        ),
        toStatement(
          db
            .updateTable('message_bodies')
            .set({ ...body, retain_until: bodyRetainUntilMs })
            .where('project_id', '=', projectId)
            .where('message_id', '=', id),
        ),
        toStatement(
          db
            .updateTable('transmissions')
            .set({ retain_until: retainUntilMs })
            .where('project_id', '=', projectId)
            .where('message_id', '=', id),
        ),
      ];
    },
    async get(projectId, id) {
      const row = await db
        .selectFrom('messages')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? null : fromMessageRow(row);
    },
    async some(projectId, ids) {
      if (ids.length === 0) return [];
      const rows = await lists
        .selectFrom('messages')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('id', 'in', ids)
        .orderBy('id', 'desc')
        .execute();
      return rows.map(fromMessageRow);
    },
    raw,
    outgoing: createOutgoingReader(db, raw),
    async projectOf(id, projectIds) {
      for (let i = 0; i < projectIds.length; i += PROJECTS_AT_ONCE) {
        const row = await db
          .selectFrom('messages')
          .select('project_id')
          // By the key: an index on the id alone would be one more for each message.
          .where('project_id', 'in', projectIds.slice(i, i + PROJECTS_AT_ONCE))
          .where('id', '=', id)
          .executeTakeFirst();
        if (row !== undefined) return row.project_id;
      }
      return null;
    },
    async list(query) {
      const { rows, nextCursor } = await searchMessages(lists, query);
      return { rows: rows.map(fromMessageRow), nextCursor };
    },
  };
}
