import type { Page } from '../core/cursor.ts';
import {
  NO_LIMITS,
  NO_RETENTION,
  type ProjectLimits,
  type ProjectRetention,
  type ProjectSending,
  USUAL_SENDING,
} from '../core/project-settings.ts';
import { changeStatement } from './changes.ts';
import type { Engine, Statement } from './engine.ts';
import { readNewestFirst } from './read-newest-first.ts';
import { removeSinksOf } from './sinks/sinks.ts';
import { removeSourcesOf } from './sources/sources.ts';
import { toStatement } from './statement.ts';
import type { ProjectsTable } from './tables.ts';

/** A tenant: it owns keys, endpoints, messages and events. */
export interface ProjectRecord {
  id: string;
  name: string;
  limits: ProjectLimits;
  retention: ProjectRetention;
  sending: ProjectSending;
  /** 1, then one more with each change. */
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
}

/** Reads leave out projects that were deleted. */
export interface Projects {
  /** The oldest first. */
  all(): Promise<ProjectRecord[]>;
  /** The newest first. */
  list(query: { limit: number; beforeId: string | null }): Promise<Page<ProjectRecord>>;
  /** `beside` is committed together with it: a first key, a remembered answer. */
  insert(project: ProjectRecord, beside: readonly Statement[]): Promise<void>;
  /** Beside the first project of all: of two nodes that start on an empty database one makes it. */
  claimFirst(id: string): Statement;
  /** Rejects with StoreConflict when `before` is not what is stored any more. */
  update(before: Pick<ProjectRecord, 'version'>, project: ProjectRecord): Promise<void>;
  /**
   * Marks a project deleted, revokes its keys and deletes what has no retention; the row stays, since
   * data of it is kept until its retention ends. Rejects with StoreConflict when it is gone, or is the last one.
   */
  remove(id: string, nowMs: number): Promise<void>;
}

/** A project that has everything as the server has it. */
export function newProject(id: string, name: string, nowMs: number): ProjectRecord {
  return {
    id,
    name,
    limits: NO_LIMITS,
    retention: NO_RETENTION,
    sending: USUAL_SENDING,
    version: 1,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

/** What has no retention goes with its project. */
const KEPT_FOR_EVER = [
  'suppressions',
  'dkim_keys',
  'domains',
  'send_windows',
  'held_messages',
  'expectations',
  'inbound_routes',
  'stats_counts',
  'stats_places',
  'alert_notices',
  'alerts',
  'alert_rules',
] as const;

const FIRST_PROJECT = 'first_project';

export function createProjects(engine: Engine): Projects {
  const { db } = engine;
  const living = () => db.selectFrom('projects').selectAll().where('deleted_at', 'is', null);
  const one = (id: string) =>
    db.updateTable('projects').where('id', '=', id).where('deleted_at', 'is', null);
  const commit = async (...statements: Statement[]): Promise<void> => {
    await engine.commit({ events: [], statements });
  };
  /** Tells other nodes, which keep projects in memory. */
  const telling = (id: string, nowMs: number): Statement =>
    changeStatement(engine, { kind: 'project', projectId: id, id }, nowMs);
  return {
    async all() {
      return (await living().orderBy('id').execute()).map(fromRow);
    },
    list: (page) => readNewestFirst(living(), page, fromRow),
    claimFirst: (id) =>
      toStatement(db.insertInto('facts').values({ name: FIRST_PROJECT, value: id }), 1),
    insert: (project, beside) =>
      commit(
        toStatement(db.insertInto('projects').values(toRow(project)), 1),
        telling(project.id, project.updatedAtMs),
        ...beside,
      ),
    update: (before, project) =>
      commit(
        toStatement(one(project.id).set(toRow(project)).where('version', '=', before.version), 1),
        telling(project.id, project.updatedAtMs),
      ),
    remove: (id, nowMs) =>
      commit(
        toStatement(
          one(id)
            .set({ deleted_at: nowMs, updated_at: nowMs })
            .where((eb) =>
              eb.exists(
                eb
                  .selectFrom('projects as other')
                  .select('other.id')
                  .where('other.id', '<>', id)
                  .where('other.deleted_at', 'is', null),
              ),
            ),
          1,
        ),
        toStatement(
          db
            .updateTable('api_keys')
            .set({ revoked_at: nowMs })
            .where('project_id', '=', id)
            .where('revoked_at', 'is', null),
        ),
        // What waits in the queue ends when a node takes it up; nobody ever takes up what is held.
        toStatement(
          db
            .updateTable('transmissions')
            .set({ state: 'canceled' })
            .where('project_id', '=', id)
            .where('message_id', 'in', (sub) =>
              sub.selectFrom('held_messages').select('message_id').where('project_id', '=', id),
            )
            .where('state', '=', 'held'),
        ),
        ...KEPT_FOR_EVER.map((table) =>
          toStatement(db.deleteFrom(table).where('project_id', '=', id)),
        ),
        removeSourcesOf(engine, id, nowMs),
        removeSinksOf(engine, id, nowMs),
        telling(id, nowMs),
      ),
  };
}

function toRow(project: ProjectRecord): ProjectsTable {
  return {
    id: project.id,
    name: project.name,
    limits: JSON.stringify(project.limits),
    retention: JSON.stringify(project.retention),
    sending: JSON.stringify(project.sending),
    version: project.version,
    created_at: project.createdAtMs,
    updated_at: project.updatedAtMs,
    deleted_at: null,
  };
}

function fromRow(row: ProjectsTable): ProjectRecord {
  return {
    id: row.id,
    name: row.name,
    limits: { ...NO_LIMITS, ...JSON.parse(row.limits) },
    retention: JSON.parse(row.retention),
    sending: { ...USUAL_SENDING, ...JSON.parse(row.sending) },
    version: row.version,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}
