import type { EventInbound } from '@posthorn/sdk';
import type { Page } from '../../core/cursor.ts';
import type { Engine, Statement } from '../engine.ts';
import { readNewestFirst } from '../read-newest-first.ts';
import { toStatement } from '../statement.ts';
import type { ReceivedMailTable } from '../tables.ts';

/** What is known of a mail that came in, beside its texts: those are read out of its bytes again. */
export type ReceivedDetails = Omit<
  EventInbound,
  'id' | 'route_id' | 'envelope_from' | 'text' | 'html' | 'reply_text' | 'truncated' | 'size_bytes'
>;

/** A mail that came in, for one recipient of it. */
export interface ReceivedMail {
  projectId: string;
  id: string;
  /** The address of the envelope, as it was given. */
  recipient: string;
  /** Null where the route is none of the project's. */
  routeId: string | null;
  /** '' for the null sender. */
  envelopeFrom: string;
  headerFrom: string | null;
  subject: string | null;
  smtpId: string | null;
  /** Of what makes two mails the same one: a second one of a project is not stored. */
  digest: string;
  sizeBytes: number;
  details: ReceivedDetails;
  createdAtMs: number;
  retainUntilMs: number;
}

export interface ReceivedMails {
  /** Statements for EventLog.append. They refuse the commit where the mail is there already. */
  insertion(
    mail: ReceivedMail,
    body: { raw: Uint8Array; retainUntilMs: number } | null,
  ): Statement[];
  get(projectId: string, id: string): Promise<ReceivedMail | null>;
  /** Null where the bytes are not kept any more. */
  raw(projectId: string, id: string): Promise<Uint8Array | null>;
  hasDigest(projectId: string, digest: string): Promise<boolean>;
  list(query: {
    projectId: string;
    limit: number;
    beforeId: string | null;
    recipient: string | null;
    routeId: string | null;
  }): Promise<Page<ReceivedMail>>;
  /** Its bytes with it. */
  removal(projectId: string, id: string): Statement[];
}

export function createReceivedMails({ db, lists }: Pick<Engine, 'db' | 'lists'>): ReceivedMails {
  const one = (projectId: string, id: string) =>
    db
      .selectFrom('received_mail')
      .selectAll()
      .where('project_id', '=', projectId)
      .where('id', '=', id);
  return {
    insertion(mail, body) {
      const { projectId: project_id, id: received_id } = mail;
      const insert = toStatement(db.insertInto('received_mail').values(toRow(mail)), 1);
      if (body === null) return [insert];
      const row = { project_id, received_id, raw: body.raw, retain_until: body.retainUntilMs };
      return [insert, toStatement(db.insertInto('received_bodies').values(row), 1)];
    },
    async get(projectId, id) {
      const row = await one(projectId, id).executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    async raw(projectId, id) {
      const row = await db
        .selectFrom('received_bodies')
        .select('raw')
        .where('project_id', '=', projectId)
        .where('received_id', '=', id)
        .executeTakeFirst();
      return row?.raw ?? null;
    },
    async hasDigest(projectId, digest) {
      const row = await db
        .selectFrom('received_mail')
        .select('id')
        .where('project_id', '=', projectId)
        .where('digest', '=', digest)
        .executeTakeFirst();
      return row !== undefined;
    },
    async list({ projectId, limit, beforeId, recipient, routeId }) {
      let query = lists.selectFrom('received_mail').selectAll().where('project_id', '=', projectId);
      if (recipient !== null) query = query.where('recipient', '=', recipient);
      if (routeId !== null) query = query.where('route_id', '=', routeId);
      return readNewestFirst(query, { limit, beforeId }, fromRow);
    },
    removal: (projectId, id) => [
      toStatement(
        db.deleteFrom('received_mail').where('project_id', '=', projectId).where('id', '=', id),
        1,
      ),
      toStatement(
        db
          .deleteFrom('received_bodies')
          .where('project_id', '=', projectId)
          .where('received_id', '=', id),
      ),
    ],
  };
}

function toRow(mail: ReceivedMail): ReceivedMailTable {
  return {
    project_id: mail.projectId,
    id: mail.id,
    recipient: mail.recipient,
    route_id: mail.routeId,
    envelope_from: mail.envelopeFrom,
    header_from: mail.headerFrom,
    subject: mail.subject,
    smtp_id: mail.smtpId,
    digest: mail.digest,
    size_bytes: mail.sizeBytes,
    details: JSON.stringify(mail.details),
    created_at: mail.createdAtMs,
    retain_until: mail.retainUntilMs,
  };
}

function fromRow(row: ReceivedMailTable): ReceivedMail {
  return {
    projectId: row.project_id,
    id: row.id,
    recipient: row.recipient,
    routeId: row.route_id,
    envelopeFrom: row.envelope_from,
    headerFrom: row.header_from,
    subject: row.subject,
    smtpId: row.smtp_id,
    digest: row.digest,
    sizeBytes: row.size_bytes,
    details: JSON.parse(row.details),
    createdAtMs: row.created_at,
    retainUntilMs: row.retain_until,
  };
}
