import { type Page, toPage } from '../../core/cursor.ts';
import type { HoldReason } from '../../core/mail/hold-rules.ts';
import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import type { HeldMessagesTable } from '../tables.ts';

/** A message that waits for a person, and why. */
export interface HeldRecord {
  projectId: string;
  messageId: string;
  reason: HoldReason;
  /** The name of the rule, where one was the reason. */
  rule: string | null;
  heldAtMs: number;
  /** Then it is dropped. */
  expiresAtMs: number;
}

export interface HeldMessages {
  /** For the commit that stores the message. */
  insertion(held: HeldRecord): Statement;
  /** For the commit that ends it: of two who do, one gets a StoreConflict. */
  removal(projectId: string, messageId: string): Statement;
  get(projectId: string, messageId: string): Promise<HeldRecord | null>;
  /** Those of these messages that are held. */
  some(projectId: string, messageIds: readonly string[]): Promise<HeldRecord[]>;
  /** The newest first. */
  list(query: {
    projectId: string;
    limit: number;
    beforeId: string | null;
    recipient: string | null;
  }): Promise<Page<HeldRecord>>;
  /** Those whose time is up, of all projects, the earliest first. */
  expired(nowMs: number, limit: number): Promise<HeldRecord[]>;
  /** When the next one's time is up; null for none. */
  nextExpiryMs(): Promise<number | null>;
}

export function createHeldMessages(engine: Engine): HeldMessages {
  const { db, lists } = engine;
  return {
    insertion: (held) => toStatement(db.insertInto('held_messages').values(toRow(held)), 1),
    removal: (projectId, messageId) =>
      toStatement(
        db
          .deleteFrom('held_messages')
          .where('project_id', '=', projectId)
          .where('message_id', '=', messageId),
        1,
      ),
    async get(projectId, messageId) {
      const row = await db
        .selectFrom('held_messages')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('message_id', '=', messageId)
        .executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    async some(projectId, messageIds) {
      if (messageIds.length === 0) return [];
      const rows = await lists
        .selectFrom('held_messages')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('message_id', 'in', messageIds)
        .execute();
      return rows.map(fromRow);
    },
    async list({ projectId, limit, beforeId, recipient }) {
      let query = lists.selectFrom('held_messages').selectAll().where('project_id', '=', projectId);
      if (beforeId !== null) query = query.where('message_id', '<', beforeId);
      if (recipient !== null) {
        query = query.where('message_id', 'in', (sub) =>
          sub
            .selectFrom('recipient_states')
            .select('message_key')
            .where('project_id', '=', projectId)
            .where('recipient', '=', recipient),
        );
      }
      const rows = await query
        .orderBy('message_id', 'desc')
        .limit(limit + 1)
        .execute();
      return toPage(rows.map(fromRow), limit, (held) => held.messageId);
    },
    async expired(nowMs, limit) {
      const rows = await db
        .selectFrom('held_messages')
        .selectAll()
        .where('expires_at', '<=', nowMs)
        .orderBy('expires_at')
        .limit(limit)
        .execute();
      return rows.map(fromRow);
    },
    async nextExpiryMs() {
      const row = await db
        .selectFrom('held_messages')
        .select('expires_at')
        .orderBy('expires_at')
        .limit(1)
        .executeTakeFirst();
      return row?.expires_at ?? null;
    },
  };
}

function toRow(held: HeldRecord): HeldMessagesTable {
  return {
    project_id: held.projectId,
    message_id: held.messageId,
    reason: held.reason,
    rule: held.rule,
    held_at: held.heldAtMs,
    expires_at: held.expiresAtMs,
  };
}

function fromRow(row: HeldMessagesTable): HeldRecord {
  return {
    projectId: row.project_id,
    messageId: row.message_id,
    reason: row.reason,
    rule: row.rule,
    heldAtMs: row.held_at,
    expiresAtMs: row.expires_at,
  };
}
