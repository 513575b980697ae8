import type { Ids } from '../../core/ids.ts';
import { SCOPES } from '../../core/scopes.ts';
import type { Log } from '../../lib/log.ts';
import type { ApiKeys } from '../../store/access/api-keys.ts';
import { StoreConflict } from '../../store/engine.ts';
import type { ProjectDirectory } from '../../store/project-directory.ts';
import { newProject, type Projects } from '../../store/projects.ts';
import { type Authenticator, generateApiKey, toApiKeyRecord } from './authenticate.ts';

export interface FirstProject {
  projectId: string;
  /** The key that was made now; null when there was one, or it was given. */
  newApiKey: string | null;
}

/** The project to work in: the first one, made with its key when there is none. */
export async function ensureFirstProject(options: {
  stored: Pick<Projects, 'all' | 'claimFirst'>;
  apiKeys: ApiKeys;
  projects: Pick<ProjectDirectory, 'create' | 'refresh'>;
  authenticator: Pick<Authenticator, 'forget'>;
  /** The setting api_key. */
  apiKey: string | null;
  ids: Ids;
  now: () => number;
  log: Log;
}): Promise<FirstProject> {
  const { apiKeys, projects, ids, now } = options;
  const [first] = await options.stored.all();
  const projectId = first?.id ?? ids.next('project');
  const wanted = options.apiKey ?? (first === undefined ? generateApiKey() : null);
  if (wanted === null) return { projectId, newApiKey: null };
  const key = toApiKeyRecord(wanted, {
    projectId,
    id: ids.next('apiKey'),
    name: options.apiKey === null ? 'first key' : 'from settings',
    scopes: SCOPES,
    createdAtMs: now(),
  });
  const known = await apiKeys.find(key.keyHash);
  if (first === undefined) {
    try {
      const beside = [apiKeys.insertion(key), options.stored.claimFirst(projectId)];
      await projects.create(newProject(projectId, 'default', now()), beside);
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
      // Another node was first; its project is there now.
      await projects.refresh();
      return ensureFirstProject(options);
    }
  } else if (known === null) {
    await apiKeys.insert(key, []);
  } else if (known.revokedAtMs !== null) {
    const fields = { key: known.id };
    options.log.warn(fields, 'The key of the setting api_key was revoked: it is not let in');
  }
  // It may have been asked for already: this server listens.
  options.authenticator.forget(key.keyHash);
  return { projectId, newApiKey: options.apiKey === null ? wanted : null };
}
