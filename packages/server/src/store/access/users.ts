import type { ExpressionBuilder } from 'kysely';
import type { Role } from '../../core/roles.ts';
import type { Engine, Statement } from '../engine.ts';
import { toStatement } from '../statement.ts';
import type { Tables, UsersTable } from '../tables.ts';

/** A person who may sign in to the portal. */
export interface UserRecord {
  id: string;
  /** In lower case. */
  email: string;
  name: string;
  /** See lib/secrets/password.ts; empty for who signs in by OpenID Connect alone. */
  passwordHash: string;
  role: Role;
  /** The projects that they see; null for all. */
  projectIds: readonly string[] | null;
  createdAtMs: number;
  /** From then on they cannot sign in; null for who may. */
  disabledAtMs: number | null;
  /** Null without one. */
  totp: SecondFactor | null;
  /** Who they are to the provider of OpenID Connect, `<issuer> <sub>`; null before they came by it. */
  oidcSubject: string | null;
}

export interface SecondFactor {
  /** The secret, sealed (sealed-values.ts, totpContext). */
  sealed: string;
  /** The last step of time whose code was used: neither it nor an earlier one counts again. */
  step: number;
  /** SHA-256 in hex of the recovery codes that are left. */
  recoveryHashes: readonly string[];
}

/** What an owner decides of a user. */
export type UserRights = Pick<UserRecord, 'role' | 'projectIds' | 'disabledAtMs'>;

export interface Users {
  get(id: string): Promise<UserRecord | null>;
  byEmail(email: string): Promise<UserRecord | null>;
  bySubject(oidcSubject: string): Promise<UserRecord | null>;
  /** By address. */
  all(): Promise<UserRecord[]>;
  count(): Promise<number>;
  /** Stores a user; the commit is refused when somebody has this address. */
  insert(user: UserRecord, beside: readonly Statement[]): Promise<void>;
  /** What a user decides of themselves. Rejects with StoreConflict when they are gone. */
  change(
    id: string,
    fields: Partial<Pick<UserRecord, 'name' | 'passwordHash' | 'totp'>>,
    beside: readonly Statement[],
  ): Promise<void>;
  /** Rejects with StoreConflict when they are gone, or nobody would be left who is an owner. */
  changeRights(id: string, rights: UserRights, beside: readonly Statement[]): Promise<void>;
  /** From now on they may come by OpenID Connect. Rejects with StoreConflict when they or somebody else do already. */
  linkSubject(id: string, oidcSubject: string, beside: readonly Statement[]): Promise<void>;
  /** Removes a user with their sessions; rejects as `changeRights` does. */
  remove(id: string, beside: readonly Statement[]): Promise<void>;
  /** Uses a step of time up; rejects with StoreConflict when it or a later one was used. */
  takeTotpStep(id: string, step: number): Promise<void>;
  /** Uses a recovery code up; rejects with StoreConflict when another one was used meanwhile. */
  takeRecoveryCode(id: string, factor: SecondFactor, hash: string): Promise<void>;
}

export function createUsers(engine: Engine): Users {
  const { db } = engine;
  const all = () => db.selectFrom('users').selectAll();
  const one = (id: string) => db.updateTable('users').where('id', '=', id);
  const commit = async (...statements: Statement[]): Promise<void> => {
    await engine.commit({ events: [], statements });
  };
  /** Owners besides this one who may sign in. */
  const otherOwners = (id: string) =>
    db
      .selectFrom('users as other')
      .select('other.id')
      .where('other.id', '<>', id)
      .where('other.role', '=', 'owner')
      .where('other.disabled_at', 'is', null);
  return {
    async get(id) {
      const row = await all().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    async byEmail(email) {
      const row = await all().where('email', '=', email.toLowerCase()).executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    async bySubject(oidcSubject) {
      const row = await all().where('oidc_subject', '=', oidcSubject).executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    async all() {
      return (await all().orderBy('email').execute()).map(fromRow);
    },
    async count() {
      const { count } = await db
        .selectFrom('users')
        .select(({ fn }) => fn.countAll().as('count'))
        .executeTakeFirstOrThrow();
      return Number(count);
    },
    insert: (user, beside) =>
      commit(toStatement(db.insertInto('users').values(toRow(user)), 1), ...beside),
    change: (id, { name, passwordHash, totp }, beside) =>
      commit(
        toStatement(
          one(id).set({
            ...(name === undefined ? {} : { name }),
            ...(passwordHash === undefined ? {} : { password_hash: passwordHash }),
            ...(totp === undefined ? {} : toTotpColumns(totp)),
          }),
          1,
        ),
        ...beside,
      ),
    changeRights(id, { role, projectIds, disabledAtMs }, beside) {
      const update = one(id).set({
        role,
        project_ids: projectIds === null ? null : JSON.stringify(projectIds),
        disabled_at: disabledAtMs,
      });
      const staysOwner = role === 'owner' && disabledAtMs === null;
      const guarded = staysOwner
        ? update
        : update.where((eb) => eb.or([isNoOwner(eb), eb.exists(otherOwners(id))]));
      return commit(toStatement(guarded, 1), ...beside);
    },
    linkSubject: (id, oidcSubject, beside) =>
      commit(
        toStatement(
          one(id).set({ oidc_subject: oidcSubject }).where('oidc_subject', 'is', null),
          1,
        ),
        ...beside,
      ),
    remove: (id, beside) =>
      commit(
        toStatement(db.deleteFrom('sessions').where('user_id', '=', id)),
        toStatement(
          db
            .deleteFrom('users')
            .where('id', '=', id)
            .where((eb) => eb.or([isNoOwner(eb), eb.exists(otherOwners(id))])),
          1,
        ),
        ...beside,
      ),
    takeTotpStep: (id, step) =>
      commit(toStatement(one(id).set({ totp_step: step }).where('totp_step', '<', step), 1)),
    takeRecoveryCode(id, { recoveryHashes }, hash) {
      const left = recoveryHashes.filter((kept) => kept !== hash);
      return commit(
        toStatement(
          one(id)
            .set({ recovery_hashes: JSON.stringify(left) })
            .where('recovery_hashes', '=', JSON.stringify(recoveryHashes)),
          1,
        ),
      );
    },
  };
}

function isNoOwner(eb: ExpressionBuilder<Tables, 'users'>) {
  return eb.or([eb('role', '<>', 'owner'), eb('disabled_at', 'is not', null)]);
}

function toTotpColumns(
  totp: SecondFactor | null,
): Pick<UsersTable, 'totp_sealed' | 'totp_step' | 'recovery_hashes'> {
  return {
    totp_sealed: totp?.sealed ?? null,
    totp_step: totp?.step ?? null,
    recovery_hashes: totp === null ? null : JSON.stringify(totp.recoveryHashes),
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
    ...toTotpColumns(user.totp),
    oidc_subject: user.oidcSubject,
  };
}

function fromRow(row: UsersTable): UserRecord {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    passwordHash: row.password_hash,
    role: row.role,
    projectIds: row.project_ids === null ? null : JSON.parse(row.project_ids),
    createdAtMs: row.created_at,
    disabledAtMs: row.disabled_at,
    totp:
      row.totp_sealed === null
        ? null
        : {
            sealed: row.totp_sealed,
            step: row.totp_step ?? 0,
            recoveryHashes: JSON.parse(row.recovery_hashes ?? '[]'),
          },
    oidcSubject: row.oidc_subject,
  };
}
