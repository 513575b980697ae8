import type { Page } from '../../core/cursor.ts';
import type { DsnRequest } from '../../core/mail/dsn.ts';
import type { Stream } from '../../core/mail/streams.ts';
import type { MessageTracking } from '../../core/mail/tracking.ts';
import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import type { MessagesTable, TransmissionsTable } from '../tables.ts';
import { type MessageQuery, searchMessages } from './message-search.ts';

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

export type RecipientKind = TransmissionsTable['kind'];

export interface NewTransmission {
  recipient: string;
  kind: RecipientKind;
  domain: string;
  dueAtMs: number;
  node: string | null;
  /** `rejected`: never to be sent, and here only to be seen. `held`: a person has to let it go. */
  state?: 'queued' | 'rejected' | 'held';
}

/** A recipient of a message with its place in the mail queue and its state in the log. */
export interface RecipientRow {
  recipient: string;
  kind: RecipientKind;
  queue: TransmissionsTable['state'];
  attempts: number;
  dueAtMs: number;
  state: string | null;
}

/** What an attempt of the mail queue leads to. */
export interface TransmissionOutcome {
  projectId: string;
  messageId: string;
  recipient: string;
  node: string;
  state: TransmissionsTable['state'];
  attempts: number;
  reachedServer: boolean;
  dueAtMs: number;
}

export interface Messages {
  /** Statements that store a message, its bytes and its place in the queue; for EventLog.append. */
  insertion(input: {
    message: MessageRecord;
    raw: Uint8Array;
    bodyRetainUntilMs: number;
    transmissions: readonly NewTransmission[];
  }): Statement[];
  /** Moves a transmission that this node holds; for EventLog.append. */
  settlement(outcome: TransmissionOutcome): Statement;
  /** Puts recipients that are held into another state, if they still are; for EventLog.append. */
  unholding(input: {
    projectId: string;
    messageId: string;
    recipients: readonly string[];
    state: 'queued' | 'rejected';
    dueAtMs: number;
  }): Statement;
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
  /** Recipients that wait in the queue or are held, and that no node has. */
  cancelable(projectId: string, id: string): Promise<string[]>;
  /** Takes one of them out, if that still holds; for EventLog.append. */
  cancellation(key: { projectId: string; messageId: string; recipient: string }): Statement;
  /** Gives leased transmissions back to the queue unchanged. */
  release(outcomes: readonly TransmissionOutcome[]): Promise<void>;
  get(projectId: string, id: string): Promise<MessageRecord | null>;
  /** Those of these that there are, the newest first. */
  some(projectId: string, ids: readonly string[]): Promise<MessageRecord[]>;
  raw(projectId: string, id: string): Promise<Uint8Array | null>;
  /** Which of these projects has the message. */
  projectOf(id: string, projectIds: readonly string[]): Promise<string | null>;
  recipients(projectId: string, id: string): Promise<RecipientRow[]>;
  /** Not any more once the person was erased. */
  hasRecipient(projectId: string, id: string, recipient: string): Promise<boolean>;
  /**
   * The newest first. A page may have fewer rows than asked for, or none, and still lead to a next one:
   * what no index knows is looked for in a bounded number of messages a page.
   */
  list(query: MessageQuery): Promise<Page<MessageRecord>>;
  /** The first `count` recipients of each of these, as they were named. */
  firstRecipients(
    projectId: string,
    ids: readonly string[],
    count: number,
  ): Promise<{ messageId: string; recipient: string; state: string | null }[]>;
  /** How many recipients wait in the store's queue, of all projects. */
  waiting(): Promise<number>;
}

/** Parameters of one statement; each engine takes a thousand of them. */
const PROJECTS_AT_ONCE = 500;

export function createMessages(engine: Engine): Messages {
  const { db, lists } = engine;
  const settlement = (outcome: TransmissionOutcome): Statement =>
    toStatement(
      db
        .updateTable('transmissions')
        .set({
          state: outcome.state,
          attempts: outcome.attempts,
          reached_server: outcome.reachedServer ? 1 : 0,
          due_at: outcome.dueAtMs,
          node: null,
        })
        .where('project_id', '=', outcome.projectId)
        .where('message_id', '=', outcome.messageId)
        .where('recipient', '=', outcome.recipient)
        .where('node', '=', outcome.node),
      1,
    );
  return {
    insertion({ message, raw, bodyRetainUntilMs, transmissions }) {
      const project_id = message.projectId;
      const message_id = message.id;
      const body = { project_id, message_id, raw, retain_until: bodyRetainUntilMs };
      return [
        toStatement(db.insertInto('messages').values(toRow(message)), 1),
        toStatement(db.insertInto('message_bodies').values(body), 1),
        ...transmissions.map((one, position) => ({
          ...toStatement(
            db.insertInto('transmissions').values({
              project_id,
              message_id,
              recipient: one.recipient,
              position,
              kind: one.kind,
              domain: one.domain,
              state: one.state ?? 'queued',
              attempts: 0,
              reached_server: 0,
              due_at: one.dueAtMs,
              node: one.node,
              retain_until: message.retainUntilMs,
            }),
            1,
          ),
          ...(one.node === null ? { signal: 'work' as const } : {}),
        })),
      ];
    },
    settlement,
    unholding({ projectId, messageId, recipients, state, dueAtMs }) {
      const query = db
        .updateTable('transmissions')
        .set({ state, due_at: dueAtMs })
        .where('project_id', '=', projectId)
        .where('message_id', '=', messageId)
        .where('recipient', 'in', recipients)
        .where('state', '=', 'held');
      const statement = toStatement(query, recipients.length);
      return state === 'queued' ? { ...statement, signal: 'work' } : statement;
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
    async cancelable(projectId, id) {
      const rows = await db
        .selectFrom('transmissions')
        .select('recipient')
        .where('project_id', '=', projectId)
        .where('message_id', '=', id)
        .where('state', 'in', ['queued', 'held'])
        .where('node', 'is', null)
        .orderBy('position')
        .execute();
      return rows.map(({ recipient }) => recipient);
    },
    cancellation({ projectId, messageId, recipient }) {
      return toStatement(
        db
          .updateTable('transmissions')
          .set({ state: 'canceled' })
          .where('project_id', '=', projectId)
          .where('message_id', '=', messageId)
          .where('recipient', '=', recipient)
          .where('state', 'in', ['queued', 'held'])
          .where('node', 'is', null),
        1,
      );
    },
    async release(outcomes) {
      if (outcomes.length === 0) return;
      const statements = outcomes.map((one) => ({ ...settlement(one), signal: 'work' as const }));
      await engine.commit({ events: [], statements });
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
    async hasRecipient(projectId, id, recipient) {
      const row = await db
        .selectFrom('transmissions')
        .select('position')
        .where('project_id', '=', projectId)
        .where('message_id', '=', id)
        .where('recipient', '=', recipient)
        .executeTakeFirst();
      return row !== undefined;
    },
    async recipients(projectId, id) {
      return db
        .selectFrom('transmissions as t')
        .leftJoin('recipient_states as s', (join) =>
          join
            .onRef('s.project_id', '=', 't.project_id')
            .onRef('s.message_key', '=', 't.message_id')
            .onRef('s.recipient', '=', 't.recipient'),
        )
        .select([
          't.recipient as recipient',
          't.kind as kind',
          't.state as queue',
          't.attempts as attempts',
          't.due_at as dueAtMs',
          's.state as state',
        ])
        .where('t.project_id', '=', projectId)
        .where('t.message_id', '=', id)
        .orderBy('t.position')
        .execute();
    },
    async list(query) {
      const { rows, nextCursor } = await searchMessages(lists, query);
      return { rows: rows.map(fromRow), nextCursor };
    },
    async firstRecipients(projectId, ids, count) {
      if (ids.length === 0) return [];
      return lists
        .selectFrom('transmissions as t')
        .leftJoin('recipient_states as s', (join) =>
          join
            .onRef('s.project_id', '=', 't.project_id')
            .onRef('s.message_key', '=', 't.message_id')
            .onRef('s.recipient', '=', 't.recipient'),
        )
        .select(['t.message_id as messageId', 't.recipient as recipient', 's.state as state'])
        .where('t.project_id', '=', projectId)
        .where('t.message_id', 'in', ids)
        .where('t.position', '<', count)
        .orderBy('t.message_id')
        .orderBy('t.position')
        .execute();
    },
    async waiting() {
      const row = await db
        .selectFrom('transmissions')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('state', '=', 'queued')
        .where('node', 'is', null)
        .executeTakeFirstOrThrow();
      return Number(row.count);
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
