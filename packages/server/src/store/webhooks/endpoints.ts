import type { Page } from '../../core/cursor.ts';
import {
  DEFAULT_ENDPOINT_SETTINGS,
  type EndpointSettings,
} from '../../core/webhooks/endpoint-settings.ts';
import { changeStatement } from '../changes.ts';
import type { Engine, Statement } from '../engine.ts';
import { readNewestFirst } from '../read-newest-first.ts';
import { toStatement } from '../statement.ts';
import type { EndpointsTable } from '../tables.ts';

/** A webhook endpoint as it is stored. */
export interface EndpointRecord {
  projectId: string;
  id: string;
  /** The user's own name for it, unique among the endpoints of a project that are not deleted. */
  uid: string | null;
  url: string;
  description: string;
  metadata: Record<string, string>;
  /** Patterns as the user wrote them: `email.*`, `email.bounced`, `*`. */
  eventTypes: string[];
  settings: EndpointSettings;
  /** EndpointSecrets as JSON, sealed (lib/secrets/secret-box.ts). */
  secretsSealed: string;
  status: 'enabled' | 'disabled';
  disabledReason: string | null;
  /** 1, then one more with each change. */
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
  /** Since when every attempt fails; null while it works. */
  failingSinceMs: number | null;
  /** How much of its patience its owner has been told to be used up: 0, 50, 70 or 90. */
  warnedPercent: number;
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
  /**
   * Stores a change of `before`, what dispatching noticed (failingSinceMs, warnedPercent) included.
   * Rejects with StoreConflict when the endpoint is gone or was changed since.
   */
  update(
    before: Pick<EndpointRecord, 'version'>,
    endpoint: EndpointRecord,
    beside?: readonly Statement[],
  ): Promise<void>;
  /** Stores what dispatching noticed, and nothing else. */
  noteHealth(
    endpoint: Pick<EndpointRecord, 'projectId' | 'id' | 'failingSinceMs' | 'warnedPercent'>,
  ): Promise<void>;
  /** Rejects with StoreConflict when it is gone, or is of another version than the one given. */
  remove(projectId: string, id: string, nowMs: number, version?: number): Promise<void>;
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
  /** Tells other nodes, which keep endpoints in memory. */
  const telling = ({ projectId, id }: Pick<EndpointRecord, 'projectId' | 'id'>, nowMs: number) =>
    changeStatement(engine, { kind: 'endpoint', projectId, id }, nowMs);
  return {
    async all() {
      return (await living().execute()).map(fromRow);
    },
    list: ({ projectId, ...page }) =>
      readNewestFirst(living().where('project_id', '=', projectId), page, fromRow),
    async get(projectId, id) {
      const row = await living()
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    insert: (endpoint, beside) =>
      commit(
        toStatement(db.insertInto('endpoints').values(toRow(endpoint)), 1),
        telling(endpoint, endpoint.updatedAtMs),
        ...beside,
      ),
    update: (before, endpoint, beside = []) =>
      commit(
        toStatement(
          one(endpoint.projectId, endpoint.id)
            .set(toRow(endpoint))
            .where('version', '=', before.version),
          1,
        ),
        telling(endpoint, endpoint.updatedAtMs),
        ...beside,
      ),
    noteHealth: ({ projectId, id, failingSinceMs, warnedPercent }) =>
      commit(
        toStatement(
          one(projectId, id).set({ failing_since: failingSinceMs, warned_percent: warnedPercent }),
        ),
      ),
    deleted: () =>
      db
        .selectFrom('endpoints')
        .select(['project_id as projectId', 'id'])
        .where('deleted_at', 'is not', null)
        .execute(),
    remove(projectId, id, nowMs, version) {
      const living = one(projectId, id);
      const wanted = version === undefined ? living : living.where('version', '=', version);
      const gone = { deleted_at: nowMs, updated_at: nowMs, secrets_sealed: '' };
      return commit(toStatement(wanted.set(gone), 1), telling({ projectId, id }, nowMs));
    },
  };
}

function toRow(endpoint: EndpointRecord): EndpointsTable {
  return {
    project_id: endpoint.projectId,
    id: endpoint.id,
    uid: endpoint.uid,
    url: endpoint.url,
    description: endpoint.description,
    metadata: JSON.stringify(endpoint.metadata),
    event_types: JSON.stringify(endpoint.eventTypes),
    settings: JSON.stringify(endpoint.settings),
    secrets_sealed: endpoint.secretsSealed,
    status: endpoint.status,
    disabled_reason: endpoint.disabledReason,
    version: endpoint.version,
    created_at: endpoint.createdAtMs,
    updated_at: endpoint.updatedAtMs,
    deleted_at: null,
    failing_since: endpoint.failingSinceMs,
    warned_percent: endpoint.warnedPercent,
  };
}

function fromRow(row: EndpointsTable): EndpointRecord {
  return {
    projectId: row.project_id,
    id: row.id,
    uid: row.uid,
    url: row.url,
    description: row.description,
    metadata: JSON.parse(row.metadata),
    eventTypes: JSON.parse(row.event_types),
    // A setting that came later is not in it yet.
    settings: { ...DEFAULT_ENDPOINT_SETTINGS, ...JSON.parse(row.settings) },
    secretsSealed: row.secrets_sealed,
    status: row.status,
    disabledReason: row.disabled_reason,
    version: row.version,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
    failingSinceMs: row.failing_since,
    warnedPercent: row.warned_percent,
  };
}
