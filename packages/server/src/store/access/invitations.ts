import type { Role } from '../../core/roles.ts';
import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import type { InvitationsTable } from '../tables.ts';

/** Somebody who is asked to become a user. */
export interface InvitationRecord {
  id: string;
  /** SHA-256 of the token in the link, in hex; the token itself is nowhere. */
  tokenHash: string;
  /** In lower case. */
  email: string;
  role: Role;
  /** The projects that they will see; null for all. */
  projectIds: readonly string[] | null;
  createdAtMs: number;
  expiresAtMs: number;
}

export interface Invitations {
  get(id: string): Promise<InvitationRecord | null>;
  find(tokenHash: string): Promise<InvitationRecord | null>;
  /** The newest first. */
  list(): Promise<InvitationRecord[]>;
  /** In the place of one that the same address had. */
  insert(invitation: InvitationRecord, beside: readonly Statement[]): Promise<void>;
  /** The statement that takes one away: the commit is refused when it is gone, so it works once. */
  taking(id: string): Statement;
  /** Rejects with StoreConflict when it is gone. */
  remove(id: string, beside: readonly Statement[]): Promise<void>;
}

export function createInvitations(engine: Engine): Invitations {
  const { db } = engine;
  const all = () => db.selectFrom('invitations').selectAll();
  const taking = (id: string): Statement =>
    toStatement(db.deleteFrom('invitations').where('id', '=', id), 1);
  return {
    async get(id) {
      return fromRow(await all().where('id', '=', id).executeTakeFirst());
    },
    async find(tokenHash) {
      return fromRow(await all().where('token_hash', '=', tokenHash).executeTakeFirst());
    },
    async list() {
      const rows = await all().orderBy('id', 'desc').execute();
      return rows.flatMap((row) => fromRow(row) ?? []);
    },
    async insert(invitation, beside) {
      const before = db.deleteFrom('invitations').where('email', '=', invitation.email);
      const insertion = db.insertInto('invitations').values(toRow(invitation));
      const statements = [toStatement(before), toStatement(insertion, 1), ...beside];
      await engine.commit({ events: [], statements });
    },
    taking,
    async remove(id, beside) {
      await engine.commit({ events: [], statements: [taking(id), ...beside] });
    },
  };
}

function toRow(invitation: InvitationRecord): InvitationsTable {
  const { projectIds } = invitation;
  return {
    id: invitation.id,
    token_hash: invitation.tokenHash,
    email: invitation.email,
    role: invitation.role,
    project_ids: projectIds === null ? null : JSON.stringify(projectIds),
    created_at: invitation.createdAtMs,
    expires_at: invitation.expiresAtMs,
  };
}

function fromRow(row: InvitationsTable | undefined): InvitationRecord | null {
  if (row === undefined) return null;
  return {
    id: row.id,
    tokenHash: row.token_hash,
    email: row.email,
    role: row.role,
    projectIds: row.project_ids === null ? null : JSON.parse(row.project_ids),
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at,
  };
}
