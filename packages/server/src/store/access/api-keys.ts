import type { Page } from '../../core/cursor.ts';
import type { KeyMode } from '../../core/key-mode.ts';
import type { PortalLink } from '../../core/portal-link.ts';
import type { Scope } from '../../core/scopes.ts';
import { changeStatement } from '../changes.ts';
import type { Engine, Statement } from '../engine.ts';
import { readNewestFirst } from '../read-newest-first.ts';
import { toStatement } from '../statement.ts';
import type { ApiKeysTable } from '../tables.ts';

/** An API key as it is stored: the key itself is nowhere. */
export interface ApiKeyRecord {
  projectId: string;
  id: string;
  name: string;
  /** SHA-256 in hex. */
  keyHash: string;
  /** The end of the key, for people to tell keys apart. */
  hint: string;
  scopes: readonly Scope[];
  /** What becomes of the messages that are sent with it. */
  mode: KeyMode;
  createdAtMs: number;
  /** From then on it is refused; null for one that stays. */
  expiresAtMs: number | null;
  lastUsedAtMs: number | null;
  revokedAtMs: number | null;
  /** The token of an embedded page, and what that may do; null for a key. */
  link: PortalLink | null;
}

/** When a key was used last. */
export type KeyUse = Pick<ApiKeyRecord, 'projectId' | 'id'> & { usedAtMs: number };

export interface ApiKeys {
  /** The key with this hash, also when it has expired or was revoked. */
  find(keyHash: string): Promise<ApiKeyRecord | null>;
  /** Keys that were not revoked and are no links, the newest first. */
  list(query: {
    projectId: string;
    limit: number;
    beforeId: string | null;
  }): Promise<Page<ApiKeyRecord>>;
  /** Links that were not ended and have not expired, the newest first. */
  listLinks(query: {
    projectId: string;
    nowMs: number;
    limit: number;
    beforeId: string | null;
  }): Promise<Page<ApiKeyRecord>>;
  /** Null for one that was revoked, too. */
  get(projectId: string, id: string): Promise<ApiKeyRecord | null>;
  /** The statement that stores a key, for a commit of somebody else. */
  insertion(key: ApiKeyRecord): Statement;
  /** `beside` is committed together with it (the remembered answer to an Idempotency-Key). */
  insert(key: ApiKeyRecord, beside: readonly Statement[]): Promise<void>;
  /** The statement that forgets the links of a project that have expired. */
  purgingLinks(projectId: string, nowMs: number): Statement;
  /** Rejects with StoreConflict when the key is gone. */
  revoke(projectId: string, id: string, nowMs: number): Promise<void>;
  /** Messages that come with it wait for a person from now on. Rejects with StoreConflict when it is gone. */
  hold(projectId: string, id: string, nowMs: number): Promise<void>;
  noteUses(uses: readonly KeyUse[]): Promise<void>;
}

export function createApiKeys(engine: Engine): ApiKeys {
  const { db } = engine;
  const living = () => db.selectFrom('api_keys').selectAll().where('revoked_at', 'is', null);
  const one = ({ projectId, id }: Pick<ApiKeyRecord, 'projectId' | 'id'>) =>
    db
      .updateTable('api_keys')
      .where('project_id', '=', projectId)
      .where('id', '=', id)
      .where('revoked_at', 'is', null);
  const insertion = (key: ApiKeyRecord): Statement =>
    toStatement(db.insertInto('api_keys').values(toRow(key)), 1);
  return {
    async find(keyHash) {
      const row = await db
        .selectFrom('api_keys')
        .selectAll()
        .where('key_hash', '=', keyHash)
        .executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    list: ({ projectId, ...page }) =>
      readNewestFirst(
        living().where('project_id', '=', projectId).where('link', 'is', null),
        page,
        fromRow,
      ),
    listLinks: ({ projectId, nowMs, ...page }) =>
      readNewestFirst(
        living()
          .where('project_id', '=', projectId)
          .where('link', 'is not', null)
          .where('expires_at', '>', nowMs),
        page,
        fromRow,
      ),
    async get(projectId, id) {
      const row = await living()
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    insertion,
    async insert(key, beside) {
      const { projectId, id, createdAtMs } = key;
      const telling = changeStatement(engine, { kind: 'key', projectId, id }, createdAtMs);
      await engine.commit({ events: [], statements: [insertion(key), telling, ...beside] });
    },
    purgingLinks: (projectId, nowMs) =>
      toStatement(
        db
          .deleteFrom('api_keys')
          .where('project_id', '=', projectId)
          .where('link', 'is not', null)
          .where('expires_at', '<=', nowMs),
      ),
    async revoke(projectId, id, nowMs) {
      const revocation = one({ projectId, id }).set({ revoked_at: nowMs });
      const telling = changeStatement(engine, { kind: 'key', projectId, id }, nowMs);
      await engine.commit({ events: [], statements: [toStatement(revocation, 1), telling] });
    },
    async hold(projectId, id, nowMs) {
      const holding = one({ projectId, id }).set({ mode: 'hold' });
      const telling = changeStatement(engine, { kind: 'key', projectId, id }, nowMs);
      await engine.commit({ events: [], statements: [toStatement(holding, 1), telling] });
    },
    async noteUses(uses) {
      const statements = uses.map((use) =>
        toStatement(one(use).set({ last_used_at: use.usedAtMs })),
      );
      await engine.commit({ events: [], statements });
    },
  };
}

function toRow(key: ApiKeyRecord): ApiKeysTable {
  return {
    project_id: key.projectId,
    id: key.id,
    name: key.name,
    key_hash: key.keyHash,
    hint: key.hint,
    scopes: JSON.stringify(key.scopes),
    mode: key.mode,
    created_at: key.createdAtMs,
    expires_at: key.expiresAtMs,
    last_used_at: key.lastUsedAtMs,
    revoked_at: key.revokedAtMs,
    link: key.link === null ? null : JSON.stringify(key.link),
  };
}

function fromRow(row: ApiKeysTable): ApiKeyRecord {
  return {
    projectId: row.project_id,
    id: row.id,
    name: row.name,
    keyHash: row.key_hash,
    hint: row.hint,
    scopes: JSON.parse(row.scopes),
    mode: row.mode,
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at,
    lastUsedAtMs: row.last_used_at,
    revokedAtMs: row.revoked_at,
    link: row.link === null ? null : JSON.parse(row.link),
  };
}
