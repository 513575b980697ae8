import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import type { SessionsTable } from '../tables.ts';

/** A browser in which somebody has signed in. */
export interface SessionRecord {
  /** SHA-256 of the cookie, in hex; the cookie itself is nowhere. */
  tokenHash: string;
  userId: string;
  createdAtMs: number;
  /** When it was used last, to the minute. */
  seenAtMs: number;
  expiresAtMs: number;
}

export interface Sessions {
  find(tokenHash: string): Promise<SessionRecord | null>;
  insert(session: SessionRecord, beside: readonly Statement[]): Promise<void>;
  noteSeen(tokenHash: string, seenAtMs: number): Promise<void>;
  end(tokenHash: string): Promise<void>;
  /** The statement that signs a person out everywhere, but for the session `exceptHash`. */
  ending(userId: string, exceptHash: string | null): Statement;
  /** Forgets those whose time is over. */
  purge(nowMs: number): Promise<void>;
}

export function createSessions(engine: Engine): Sessions {
  const { db } = engine;
  const commit = (statement: Parameters<typeof toStatement>[0]) =>
    engine.commit({ events: [], statements: [toStatement(statement)] }).then(() => {});
  return {
    async find(tokenHash) {
      const row = await db
        .selectFrom('sessions')
        .selectAll()
        .where('token_hash', '=', tokenHash)
        .executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    async insert(session, beside) {
      const insertion = toStatement(db.insertInto('sessions').values(toRow(session)), 1);
      await engine.commit({ events: [], statements: [insertion, ...beside] });
    },
    noteSeen: (tokenHash, seenAtMs) =>
      commit(
        db.updateTable('sessions').set({ seen_at: seenAtMs }).where('token_hash', '=', tokenHash),
      ),
    end: (tokenHash) => commit(db.deleteFrom('sessions').where('token_hash', '=', tokenHash)),
    ending(userId, exceptHash) {
      const theirs = db.deleteFrom('sessions').where('user_id', '=', userId);
      return toStatement(
        exceptHash === null ? theirs : theirs.where('token_hash', '<>', exceptHash),
      );
    },
    purge: (nowMs) => commit(db.deleteFrom('sessions').where('expires_at', '<=', nowMs)),
  };
}

function toRow(session: SessionRecord): SessionsTable {
  return {
    token_hash: session.tokenHash,
    user_id: session.userId,
    created_at: session.createdAtMs,
    seen_at: session.seenAtMs,
    expires_at: session.expiresAtMs,
  };
}

function fromRow(row: SessionsTable): SessionRecord {
  return {
    tokenHash: row.token_hash,
    userId: row.user_id,
    createdAtMs: row.created_at,
    seenAtMs: row.seen_at,
    expiresAtMs: row.expires_at,
  };
}
