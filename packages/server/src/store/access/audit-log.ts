import type { Page } from '../../core/cursor.ts';
import type { Engine, Statement } from '../engine.ts';
import { readNewestFirst } from '../read-newest-first.ts';
import { toStatement } from '../statement.ts';
import type { AuditLogTable } from '../tables.ts';

/** Something that a person has changed in the portal. */
export interface AuditEntry {
  id: string;
  userId: string;
  /** Theirs at that time: a user can be removed. */
  userEmail: string;
  /** The IP address that they came from. */
  remoteAddress: string;
  /** `user.invited`, or the route of the API: `DELETE /v1/endpoints/{id}`. */
  action: string;
  /** Null for what belongs to no project. */
  projectId: string | null;
  /** The id of what was changed, or the address of who is no user yet. */
  target: string | null;
  createdAtMs: number;
  retainUntilMs: number;
}

export interface AuditLog {
  /** The newest first. */
  list(query: { limit: number; beforeId: string | null }): Promise<Page<AuditEntry>>;
  /** The statement that notes something, for the commit of what it notes. */
  insertion(entry: AuditEntry): Statement;
  insert(entry: AuditEntry): Promise<void>;
  /** Forgets those whose time is over. */
  purge(nowMs: number): Promise<void>;
}

export function createAuditLog(engine: Engine): AuditLog {
  const { db } = engine;
  const insertion = (entry: AuditEntry): Statement =>
    toStatement(db.insertInto('audit_log').values(toRow(entry)), 1);
  const commit = async (statement: Statement): Promise<void> => {
    await engine.commit({ events: [], statements: [statement] });
  };
  return {
    list: (page) => readNewestFirst(db.selectFrom('audit_log').selectAll(), page, fromRow),
    insertion,
    insert: (entry) => commit(insertion(entry)),
    purge: (nowMs) =>
      commit(toStatement(db.deleteFrom('audit_log').where('retain_until', '<=', nowMs))),
  };
}

function toRow(entry: AuditEntry): AuditLogTable {
  return {
    id: entry.id,
    user_id: entry.userId,
    user_email: entry.userEmail,
    remote_address: entry.remoteAddress,
    action: entry.action,
    project_id: entry.projectId,
    target: entry.target,
    created_at: entry.createdAtMs,
    retain_until: entry.retainUntilMs,
  };
}

function fromRow(row: AuditLogTable): AuditEntry {
  return {
    id: row.id,
    userId: row.user_id,
    userEmail: row.user_email,
    remoteAddress: row.remote_address,
    action: row.action,
    projectId: row.project_id,
    target: row.target,
    createdAtMs: row.created_at,
    retainUntilMs: row.retain_until,
  };
}
