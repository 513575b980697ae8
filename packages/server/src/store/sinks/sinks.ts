import type { Page } from '../../core/cursor.ts';
import type { SinkRecord } from '../../core/sink.ts';
import { changeStatement } from '../changes.ts';
import type { Engine, Statement } from '../engine.ts';
import { readNewestFirst } from '../read-newest-first.ts';
import { toStatement } from '../statement.ts';
import type { SinksTable } from '../tables.ts';
import { beginPlace } from './sink-places.ts';

export interface Sinks {
  /** Every sink that is not deleted, of all projects. */
  all(): Promise<SinkRecord[]>;
  /** The newest first. */
  list(query: {
    projectId: string;
    limit: number;
    beforeId: string | null;
  }): Promise<Page<SinkRecord>>;
  get(projectId: string, id: string): Promise<SinkRecord | null>;
  /** It begins behind this place of the log. `beside` is committed together with it. */
  insert(sink: SinkRecord, afterPosition: number, beside: readonly Statement[]): Promise<void>;
  /** Rejects with StoreConflict when `before` is not what is stored any more. */
  update(before: Pick<SinkRecord, 'version'>, sink: SinkRecord): Promise<void>;
  /** The row stays, without its secrets. Rejects with StoreConflict when it is gone or another version. */
  remove(sink: Pick<SinkRecord, 'projectId' | 'id' | 'version'>, nowMs: number): Promise<void>;
}

export function createSinks(engine: Engine): Sinks {
  const { db } = engine;
  const living = () => db.selectFrom('sinks').selectAll().where('deleted_at', 'is', null);
  const oneOf = ({ projectId, id, version }: Pick<SinkRecord, 'projectId' | 'id' | 'version'>) =>
    db
      .updateTable('sinks')
      .where('project_id', '=', projectId)
      .where('id', '=', id)
      .where('version', '=', version)
      .where('deleted_at', 'is', null);
  const commit = async (...statements: Statement[]): Promise<void> => {
    await engine.commit({ events: [], statements });
  };
  /** Nodes read their sinks anew. */
  const telling = ({ projectId, id }: Pick<SinkRecord, 'projectId' | 'id'>, nowMs: number) =>
    changeStatement(engine, { kind: 'sink', projectId, id }, nowMs);
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
    insert: (sink, afterPosition, beside) =>
      commit(
        toStatement(db.insertInto('sinks').values(toRow(sink)), 1),
        beginPlace(engine, sink, { lane: 'live', afterPosition, untilPosition: null }),
        telling(sink, sink.createdAtMs),
        ...beside,
      ),
    update: (before, sink) =>
      commit(
        toStatement(oneOf({ ...sink, version: before.version }).set(toRow(sink)), 1),
        telling(sink, sink.updatedAtMs),
      ),
    remove: (sink, nowMs) =>
      commit(toStatement(oneOf(sink).set(goneAt(nowMs)), 1), telling(sink, nowMs)),
  };
}

/** For the commit that deletes the project: nothing is sent any more. */
export function removeSinksOf({ db }: Pick<Engine, 'db'>, projectId: string, nowMs: number) {
  return toStatement(
    db
      .updateTable('sinks')
      .set(goneAt(nowMs))
      .where('project_id', '=', projectId)
      .where('deleted_at', 'is', null),
  );
}

function goneAt(nowMs: number) {
  return { deleted_at: nowMs, updated_at: nowMs, secrets_sealed: '' };
}

function toRow(sink: SinkRecord): SinksTable {
  return {
    project_id: sink.projectId,
    id: sink.id,
    name: sink.name,
    kind: sink.kind,
    settings: JSON.stringify(sink.settings),
    secrets_sealed: sink.secretsSealed,
    event_types: JSON.stringify(sink.eventTypes),
    filter: sink.filter === null ? null : JSON.stringify(sink.filter),
    transformation: sink.transformation,
    is_paused: sink.isPaused ? 1 : 0,
    version: sink.version,
    created_at: sink.createdAtMs,
    updated_at: sink.updatedAtMs,
    deleted_at: null,
  };
}

function fromRow(row: SinksTable): SinkRecord {
  return {
    projectId: row.project_id,
    id: row.id,
    name: row.name,
    kind: row.kind,
    settings: JSON.parse(row.settings),
    secretsSealed: row.secrets_sealed,
    eventTypes: JSON.parse(row.event_types),
    filter: row.filter === null ? null : JSON.parse(row.filter),
    transformation: row.transformation,
    isPaused: row.is_paused === 1,
    version: row.version,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}
