import type { Page } from '../../core/cursor.ts';
import type { SourceRecord } from '../../core/source.ts';
import { changeStatement } from '../changes.ts';
import type { Engine, Statement } from '../engine.ts';
import { readNewestFirst } from '../read-newest-first.ts';
import { toStatement } from '../statement.ts';
import type { SourcesTable } from '../tables.ts';

export interface Sources {
  /** Every source that is not deleted, of all projects: what a node keeps in memory. */
  all(): Promise<SourceRecord[]>;
  /** The newest first. */
  list(query: {
    projectId: string;
    limit: number;
    beforeId: string | null;
  }): Promise<Page<SourceRecord>>;
  get(projectId: string, id: string): Promise<SourceRecord | null>;
  /** `beside` is committed together with it (the remembered answer to an Idempotency-Key). */
  insert(source: SourceRecord, beside: readonly Statement[]): Promise<void>;
  /** Rejects with StoreConflict when `before` is not what is stored any more. */
  update(
    before: Pick<SourceRecord, 'version'>,
    source: SourceRecord,
    beside?: readonly Statement[],
  ): Promise<void>;
  /**
   * The row stays without its secrets, since events name it. Rejects with StoreConflict when it is
   * gone, or is of another version than the one given.
   */
  remove(projectId: string, id: string, nowMs: number, version?: number): Promise<void>;
}

export function createSources(engine: Engine): Sources {
  const { db } = engine;
  const living = () => db.selectFrom('sources').selectAll().where('deleted_at', 'is', null);
  const one = (projectId: string, id: string) =>
    db
      .updateTable('sources')
      .where('project_id', '=', projectId)
      .where('id', '=', id)
      .where('deleted_at', 'is', null);
  const commit = async (...statements: Statement[]): Promise<void> => {
    await engine.commit({ events: [], statements });
  };
  /** Tells other nodes, which keep sources in memory. */
  const telling = ({ projectId, id }: Pick<SourceRecord, 'projectId' | 'id'>, nowMs: number) =>
    changeStatement(engine, { kind: 'source', projectId, id }, nowMs);
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
    insert: (source, beside) =>
      commit(
        toStatement(db.insertInto('sources').values(toRow(source)), 1),
        toStatement(db.insertInto('source_activity').values(quiet(source)), 1),
        telling(source, source.updatedAtMs),
        ...beside,
      ),
    update: (before, source, beside = []) =>
      commit(
        toStatement(
          one(source.projectId, source.id).set(toRow(source)).where('version', '=', before.version),
          1,
        ),
        telling(source, source.updatedAtMs),
        ...beside,
      ),
    remove(projectId, id, nowMs, version) {
      const found = one(projectId, id);
      const wanted = version === undefined ? found : found.where('version', '=', version);
      return commit(toStatement(wanted.set(goneAt(nowMs)), 1), telling({ projectId, id }, nowMs));
    },
  };
}

/** For the commit that deletes the project: with it, its sources take nothing any more. */
export function removeSourcesOf({ db }: Pick<Engine, 'db'>, projectId: string, nowMs: number) {
  return toStatement(
    db
      .updateTable('sources')
      .set(goneAt(nowMs))
      .where('project_id', '=', projectId)
      .where('deleted_at', 'is', null),
  );
}

function goneAt(nowMs: number) {
  return { deleted_at: nowMs, updated_at: nowMs, secrets_sealed: '' };
}

function quiet({ projectId, id }: SourceRecord) {
  return {
    project_id: projectId,
    source_id: id,
    requests: 0,
    events: 0,
    duplicates: 0,
    refused: 0,
    silences: '[]',
  };
}

function toRow(source: SourceRecord): SourcesTable {
  return {
    project_id: source.projectId,
    id: source.id,
    name: source.name,
    provider: source.provider,
    settings: JSON.stringify(source.settings),
    secrets_sealed: source.secretsSealed,
    version: source.version,
    created_at: source.createdAtMs,
    updated_at: source.updatedAtMs,
    deleted_at: null,
  };
}

function fromRow(row: SourcesTable): SourceRecord {
  return {
    projectId: row.project_id,
    id: row.id,
    name: row.name,
    provider: row.provider,
    settings: JSON.parse(row.settings),
    secretsSealed: row.secrets_sealed,
    version: row.version,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}
