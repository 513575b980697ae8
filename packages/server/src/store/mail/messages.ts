import type { Page } from '../../core/cursor.ts';
import type { DsnRequest } from '../../core/mail/dsn.ts';
import type { Stream } from '../../core/mail/streams.ts';
import type { MessageTracking } from '../../core/mail/tracking.ts';
import type { Engine, Statement } from '../engine.ts';
import { createInsertion, toStatement } from '../statement.ts';
import type { MessageBodiesTable, MessagesTable } from '../tables.ts';
import { type MessageQuery, searchMessages } from './message-search.ts';
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
  const insertMessage = createInsertion((row: MessagesTable) =>
    db.insertInto('messages').values(row),
  );
  const insertBody = createInsertion((row: MessageBodiesTable) =>
    db.insertInto('message_bodies').values(row),
  );
  const queueing = createQueueing(db);
  return {
    ...createTransmissions(engine),
    insertion({ message, raw, bodyRetainUntilMs, transmissions }) {
      const project_id = message.projectId;
      const message_id = message.id;
      const body = { project_id, message_id, raw, retain_until: bodyRetainUntilMs };
      return [insertMessage(toRow(message)), insertBody(body), ...queueing(message, transmissions)];
    },
    renewal({ message: { projectId, id, ...fields }, raw, bodyRetainUntilMs }) {
      const { sizeBytes, expiresAtMs, retainUntilMs } = fields;
      const bytes = raw === null ? {} : { raw };
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
            .set({ ...bytes, retain_until: bodyRetainUntilMs })
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
      return row === undefined ? null : fromRow(row);
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
      return rows.map(fromRow);
    },
    async raw(projectId, id) {
      const row = await db
        .selectFrom('message_bodies')
        .select('raw')
        .where('project_id', '=', projectId)
        .where('message_id', '=', id)
        .executeTakeFirst();
      return row?.raw ?? null;
    },
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
      return { rows: rows.map(fromRow), nextCursor };
    },
  };
}

function toRow(message: MessageRecord): MessagesTable {
  return {
    project_id: message.projectId,
    id: message.id,
    accepted_by: message.acceptedBy,
    sandbox: message.sandbox ? 1 : 0,
    stream: message.stream,
    envelope_from: message.envelopeFrom,
    header_from: message.headerFrom,
    subject: message.subject,
    smtp_id: message.smtpId,
    tags: JSON.stringify(message.tags),
    metadata: JSON.stringify(message.metadata),
    tracking: message.tracking === null ? null : JSON.stringify(message.tracking),
    dsn: message.dsn === null ? null : JSON.stringify(message.dsn),
    size_bytes: message.sizeBytes,
    created_at: message.createdAtMs,
    send_at: message.sendAtMs,
    expires_at: message.expiresAtMs,
    retain_until: message.retainUntilMs,
  };
}

function fromRow(row: MessagesTable): MessageRecord {
  return {
    projectId: row.project_id,
    id: row.id,
    acceptedBy: row.accepted_by,
    sandbox: row.sandbox === 1,
    stream: row.stream,
    envelopeFrom: row.envelope_from,
    headerFrom: row.header_from,
    subject: row.subject,
    smtpId: row.smtp_id,
    tags: JSON.parse(row.tags),
    metadata: JSON.parse(row.metadata),
    tracking: row.tracking === null ? null : JSON.parse(row.tracking),
    dsn: row.dsn === null ? null : JSON.parse(row.dsn),
    sizeBytes: row.size_bytes,
    createdAtMs: row.created_at,
    sendAtMs: row.send_at,
    expiresAtMs: row.expires_at,
    retainUntilMs: row.retain_until,
  };
}
