import {
  NO_LIMITS,
  NO_RETENTION,
  type ProjectDefaults,
  type ProjectSettings,
  settleProject,
  USUAL_SENDING,
} from '../core/project-settings.ts';
import type { Statement } from './engine.ts';
import type { ProjectRecord, Projects } from './projects.ts';

/**
 * All projects, in memory, so that what holds for one costs the hot path no query. A change is
 * committed first and then takes effect here.
 */
export interface ProjectDirectory {
  load(): Promise<void>;
  /** Null for a project that never was, or was deleted. */
  find(projectId: string): ProjectRecord | null;
  /** What holds for it; for a project that was deleted, what the server has. */
  settingsOf(projectId: string): ProjectSettings;
  count(): number;
  all(): ProjectRecord[];
  create(project: ProjectRecord, beside: readonly Statement[]): Promise<void>;
  update(before: Pick<ProjectRecord, 'version'>, project: ProjectRecord): Promise<void>;
  remove(projectId: string, nowMs: number): Promise<void>;
  /** Reads what another node has changed. */
  refresh(): Promise<void>;
}

export function createProjectDirectory(options: {
  projects: Pick<Projects, 'all' | 'insert' | 'update' | 'remove'>;
  defaults: ProjectDefaults;
}): ProjectDirectory {
  const { projects, defaults } = options;
  const known = new Map<string, { record: ProjectRecord; settings: ProjectSettings }>();
  const ofNobody = settleProject(
    { limits: NO_LIMITS, retention: NO_RETENTION, sending: USUAL_SENDING },
    defaults,
  );

  function put(record: ProjectRecord): void {
    known.set(record.id, { record, settings: settleProject(record, defaults) });
  }

  return {
    async load() {
      for (const record of await projects.all()) put(record);
    },
    find: (projectId) => known.get(projectId)?.record ?? null,
    settingsOf: (projectId) => known.get(projectId)?.settings ?? ofNobody,
    count: () => known.size,
    all: () => [...known.values()].map(({ record }) => record),
    async create(project, beside) {
      await projects.insert(project, beside);
      put(project);
    },
    async update(before, project) {
      await projects.update(before, project);
      put(project);
    },
    async remove(projectId, nowMs) {
      await projects.remove(projectId, nowMs);
      known.delete(projectId);
    },
    async refresh() {
      const records = await projects.all();
      const ids = new Set(records.map(({ id }) => id));
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
      for (const record of records) put(record);
    },
  };
}
