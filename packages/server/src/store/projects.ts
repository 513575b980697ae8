import type { Engine } from './engine.ts';
import { toStatement } from './statement.ts';
import type { ApiKeysTable, ProjectsTable } from './tables.ts';

export interface Projects {
  list(): Promise<ProjectsTable[]>;
  /** The key with this SHA-256 (hex), unless it was revoked. */
  findKey(keyHash: string): Promise<ApiKeysTable | null>;
  /** Stores the project and its first key together. */
  create(project: ProjectsTable, key: ApiKeysTable): Promise<void>;
  addKey(key: ApiKeysTable): Promise<void>;
  /** A text sealed with the master key that this store's secrets are sealed with; null at first. */
  masterKeyCheck(): Promise<string | null>;
  setMasterKeyCheck(sealed: string): Promise<void>;
}

const MASTER_KEY_CHECK = 'master_key_check';

export function createProjects(engine: Engine): Projects {
  const { db } = engine;
  const insertKey = (key: ApiKeysTable) => toStatement(db.insertInto('api_keys').values(key), 1);
  return {
    list: () => db.selectFrom('projects').selectAll().orderBy('id').execute(),
    async findKey(keyHash) {
      const row = await db
        .selectFrom('api_keys')
        .selectAll()
        .where('key_hash', '=', keyHash)
        .where('revoked_at', 'is', null)
        .executeTakeFirst();
      return row ?? null;
    },
    async create(project, key) {
      const insertProject = toStatement(db.insertInto('projects').values(project), 1);
      await engine.commit({ events: [], statements: [insertProject, insertKey(key)] });
    },
    async addKey(key) {
      await engine.commit({ events: [], statements: [insertKey(key)] });
    },
    async masterKeyCheck() {
      const row = await db
        .selectFrom('facts')
        .select('value')
        .where('name', '=', MASTER_KEY_CHECK)
        .executeTakeFirst();
      return row?.value ?? null;
    },
    async setMasterKeyCheck(value) {
      const insert = db.insertInto('facts').values({ name: MASTER_KEY_CHECK, value });
      await engine.commit({ events: [], statements: [toStatement(insert, 1)] });
    },
  };
}
