import type { Kysely } from 'kysely';
import type { Engine, Statement } from '../engine.ts';
import { createRowWrite, toStatement } from '../statement.ts';
import type { Tables, TransmissionsTable } from '../tables.ts';

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

/** The mail queue: a row for each recipient of a message. */
export interface Transmissions {
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
  /** Recipients that wait in the queue or are held, and that no node has. */
  cancelable(projectId: string, id: string): Promise<string[]>;
  /** Takes one of them out, if that still holds; for EventLog.append. */
  cancellation(key: { projectId: string; messageId: string; recipient: string }): Statement;
  /** Gives leased transmissions back to the queue unchanged. */
  release(outcomes: readonly TransmissionOutcome[]): Promise<void>;
  recipients(projectId: string, id: string): Promise<RecipientRow[]>;
  /** Not any more once the person was erased. */
  hasRecipient(projectId: string, id: string, recipient: string): Promise<boolean>;
  /** The first `count` recipients of each of these, as they were named. */
  firstRecipients(
    projectId: string,
    ids: readonly string[],
    count: number,
  ): Promise<{ messageId: string; recipient: string; state: string | null }[]>;
  /** How many recipients wait in the store's queue, of all projects. */
  waiting(): Promise<number>;
}

export function createTransmissions(engine: Engine): Transmissions {
  const { db, lists } = engine;
  const settle = createRowWrite((row: SettledRow) =>
    db
      .updateTable('transmissions')
      .set({
        state: row.state,
        attempts: row.attempts,
        reached_server: row.reached_server,
        due_at: row.due_at,
        node: null,
      })
      .where('project_id', '=', row.project_id)
      .where('message_id', '=', row.message_id)
      .where('recipient', '=', row.recipient)
      .where('node', '=', row.node),
  );
  const settlement = (outcome: TransmissionOutcome): Statement =>
    settle({
      project_id: outcome.projectId,
      message_id: outcome.messageId,
      recipient: outcome.recipient,
      node: outcome.node,
      state: outcome.state,
      attempts: outcome.attempts,
      reached_server: outcome.reachedServer ? 1 : 0,
      due_at: outcome.dueAtMs,
    });
  return {
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

/** What an attempt changes of a recipient's row, and how it is found. */
type SettledRow = Omit<TransmissionsTable, 'position' | 'kind' | 'domain' | 'retain_until'> & {
  node: string;
};

/** Statements that put the recipients of a new message into the queue. */
export function createQueueing(db: Kysely<Tables>) {
  const insert = createRowWrite((row: TransmissionsTable) =>
    db.insertInto('transmissions').values(row),
  );
  return (
    message: { projectId: string; id: string; retainUntilMs: number },
    transmissions: readonly NewTransmission[],
  ): Statement[] =>
    transmissions.map((one, position) => ({
      ...insert({
        project_id: message.projectId,
        message_id: message.id,
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
      ...(one.node === null ? { signal: 'work' as const } : {}),
    }));
}
