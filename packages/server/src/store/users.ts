import type { Role } from '../core/roles.ts';
import type { Engine, Statement } from './engine.ts';
import { toStatement } from './statement.ts';
import type { UsersTable } from './tables.ts';

/** A person who may sign in to the portal. */
export interface UserRecord {
  id: string;
  /** In lower case. */
  email: string;
  name: string;
  /** See lib/password.ts. */
  passwordHash: string;
  role: Role;
  /** The projects that they see; null for all. */
  projectIds: readonly string[] | null;
  createdAtMs: number;
  /** From then on they cannot sign in; null for who may. */
  disabledAtMs: number | null;
}

export interface Users {
  get(id: string): Promise<UserRecord | null>;
  byEmail(email: string): Promise<UserRecord | null>;
  count(): Promise<number>;
  /** Stores a user; the commit is refused when somebody has this address. */
  insert(user: UserRecord, beside: readonly Statement[]): Promise<void>;
}

export function createUsers(engine: Engine): Users {
  const { db } = engine;
  const all = () => db.selectFrom('users').selectAll();
  return {
    async get(id) {
      return fromRow(await all().where('id', '=', id).executeTakeFirst());
    },
    async byEmail(email) {
      return fromRow(await all().where('email', '=', email.toLowerCase()).executeTakeFirst());
    },
    async count() {
      const { count } = await db
        .selectFrom('users')
        .select(({ fn }) => fn.countAll().as('count'))
        .executeTakeFirstOrThrow();
      return Number(count);
    },
    async insert(user, beside) {
      const insertion = toStatement(db.insertInto('users').values(toRow(user)), 1);
      await engine.commit({ events: [], statements: [insertion, ...beside] });
    },
  };
}

function toRow(user: UserRecord): UsersTable {
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    password_hash: user.passwordHash,
    role: user.role,
    project_ids: user.projectIds === null ? null : JSON.stringify(user.projectIds),
    created_at: user.createdAtMs,
    disabled_at: user.disabledAtMs,
  };
}

function fromRow(row: UsersTable | undefined): UserRecord | null {
  if (row === undefined) return null;
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    passwordHash: row.password_hash,
    role: row.role,
    projectIds: row.project_ids === null ? null : JSON.parse(row.project_ids),
    createdAtMs: row.created_at,
    disabledAtMs: row.disabled_at,
  };
}
