import { type Page, toPage } from '../core/cursor.ts';
import type { Engine, Statement } from './engine.ts';
import { toStatement } from './statement.ts';
import type { EndpointsTable } from './tables.ts';

/** A webhook endpoint as it is stored. The secret is sealed (lib/secret-box.ts). */
export interface EndpointRecord {
  projectId: string;
  id: string;
  url: string;
  description: string;
  /** Patterns as the user wrote them: `email.*`, `email.bounced`, `*`. */
  eventTypes: string[];
  secretSealed: string;
  status: 'enabled' | 'disabled';
  disabledReason: string | null;
  createdAtMs: number;
  updatedAtMs: number;
}

export interface Endpoints {
  /** Every endpoint that is not deleted, of all projects: what the dispatcher starts with. */
  all(): Promise<EndpointRecord[]>;
  list(query: {
    projectId: string;
    limit: number;
    beforeId: string | null;
  }): Promise<Page<EndpointRecord>>;
  get(projectId: string, id: string): Promise<EndpointRecord | null>;
  /** `beside` is committed together with it (the remembered answer to an Idempotency-Key). */
  insert(endpoint: EndpointRecord, beside: readonly Statement[]): Promise<void>;
  /** Rejects with StoreConflict when the endpoint is gone. */
  update(endpoint: EndpointRecord): Promise<void>;
  remove(projectId: string, id: string, nowMs: number): Promise<void>;
  deleted(): Promise<{ projectId: string; id: string }[]>;
}

export function createEndpoints(engine: Engine): Endpoints {
  const { db } = engine;
  const living = () => db.selectFrom('endpoints').selectAll().where('deleted_at', 'is', null);
  const one = (projectId: string, id: string) =>
    db
      .updateTable('endpoints')
      .where('project_id', '=', projectId)
      .where('id', '=', id)
      .where('deleted_at', 'is', null);
  const commit = async (...statements: Statement[]): Promise<void> => {
    await engine.commit({ events: [], statements });
  };
  return {
    async all() {
      return (await living().execute()).map(fromRow);
    },
    async list({ projectId, limit, beforeId }) {
      let query = living().where('project_id', '=', projectId);
      if (beforeId !== null) query = query.where('id', '<', beforeId);
      const rows = await query
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return toPage(rows.map(fromRow), limit, (endpoint) => endpoint.id);
    },
    async get(projectId, id) {
      const row = await living()
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    insert: (endpoint, beside) =>
      commit(toStatement(db.insertInto('endpoints').values(toRow(endpoint)), 1), ...beside),
    update: (endpoint) =>
      commit(toStatement(one(endpoint.projectId, endpoint.id).set(toRow(endpoint)), 1)),
    deleted: () =>
      db
        .selectFrom('endpoints')
        .select(['project_id as projectId', 'id'])
        .where('deleted_at', 'is not', null)
        .execute(),
    remove: (projectId, id, nowMs) =>
      commit(
        toStatement(
          one(projectId, id).set({ deleted_at: nowMs, updated_at: nowMs, secret_sealed: '' }),
          1,
        ),
      ),
  };
}

function toRow(endpoint: EndpointRecord): EndpointsTable {
  return {
    project_id: endpoint.projectId,
    id: endpoint.id,
    url: endpoint.url,
    description: endpoint.description,
    event_types: JSON.stringify(endpoint.eventTypes),
    secret_sealed: endpoint.secretSealed,
    status: endpoint.status,
    disabled_reason: endpoint.disabledReason,
    created_at: endpoint.createdAtMs,
    updated_at: endpoint.updatedAtMs,
    deleted_at: null,
  };
}

function fromRow(row: EndpointsTable): EndpointRecord {
  return {
    projectId: row.project_id,
    id: row.id,
    url: row.url,
    description: row.description,
    eventTypes: JSON.parse(row.event_types),
    secretSealed: row.secret_sealed,
    status: row.status,
    disabledReason: row.disabled_reason,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}
