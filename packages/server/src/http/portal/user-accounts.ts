import { createHash, randomBytes } from 'node:crypto';
import type { Ids } from '../../core/ids.ts';
import type { Role } from '../../core/roles.ts';
import { PosthornError } from '../../lib/errors.ts';
import { hashPassword, isPassword } from '../../lib/secrets/password.ts';
import type { InvitationRecord, Invitations } from '../../store/access/invitations.ts';
import type { Sessions } from '../../store/access/sessions.ts';
import type { UserRecord, UserRights, Users } from '../../store/access/users.ts';
import { StoreConflict } from '../../store/engine.ts';
import type { Actor, Audit } from './audit.ts';
import type { GuessLimits } from './guess-limits.ts';
import { checkPassword, type SignedIn } from './sign-in.ts';

const INVITATION_MS = 7 * 86_400_000;
const TOKEN_BYTES = 32;

export interface InvitationFields {
  email: string;
  role: Role;
  projectIds: readonly string[] | null;
}

/** How people become users, and what is changed of them. */
export interface UserAccounts {
  /** Throws `conflict` when the address has an account. `token` is for the link; it is not stored. */
  invite(
    actor: Actor,
    fields: InvitationFields,
  ): Promise<{ invitation: InvitationRecord; token: string }>;
  /** Throws `not_found`. */
  withdraw(actor: Actor, id: string): Promise<void>;
  /** What a link stands for. Throws `invitation_gone`. */
  readInvitation(token: string): Promise<InvitationRecord>;
  /** Makes the user; works once. Throws `invitation_gone`, `invalid_field`. */
  accept(
    token: string,
    fields: { name: string; password: string; remoteAddress: string },
  ): Promise<UserRecord>;
  /** Throws `not_found`. */
  find(id: string): Promise<UserRecord>;
  /** Throws `conflict` when no owner would be left. Who is disabled is signed out. */
  changeRights(actor: Actor, user: UserRecord, rights: UserRights): Promise<UserRecord>;
  /** Throws as `changeRights` does. */
  remove(actor: Actor, user: UserRecord): Promise<void>;
  rename(actor: Actor, name: string): Promise<void>;
  /** Ends their other sessions. Throws `invalid_field`, `rate_limited`. */
  changePassword(actor: Actor & SignedIn, fields: { current: string; next: string }): Promise<void>;
  /** That it is really them, and nobody who found their browser. Throws `invalid_field`, `rate_limited`. */
  confirmPassword(user: UserRecord, password: string, pointer: string): Promise<void>;
}

export function createUserAccounts(options: {
  users: Users;
  sessions: Pick<Sessions, 'ending'>;
  invitations: Invitations;
  audit: Pick<Audit, 'noting'>;
  limits: Pick<GuessLimits, 'takePassword'>;
  ids: Ids;
  now: () => number;
}): UserAccounts {
  const { users, invitations, audit, ids, now } = options;

  async function readInvitation(token: string): Promise<InvitationRecord> {
    const found = await invitations.find(hashToken(token));
    if (found === null || found.expiresAtMs <= now()) throw invitationGone();
    return found;
  }

  async function confirmPassword(
    user: UserRecord,
    password: string,
    pointer: string,
  ): Promise<void> {
    options.limits.takePassword(user.email);
    if (await isPassword(password, user.passwordHash)) return;
    const detail = 'This is not your password.';
    throw new PosthornError('invalid_field', `${pointer}: ${detail}`, {
      fields: [{ pointer, detail }],
    });
  }

  return {
    async invite(actor, { email, role, projectIds }) {
      if ((await users.byEmail(email)) !== null) throw addressTaken(email);
      const token = randomBytes(TOKEN_BYTES).toString('base64url');
      const createdAtMs = now();
      const invitation: InvitationRecord = {
        id: ids.next('invitation'),
        tokenHash: hashToken(token),
        email: email.toLowerCase(),
        role,
        projectIds,
        createdAtMs,
        expiresAtMs: createdAtMs + INVITATION_MS,
      };
      await invitations.insert(invitation, [audit.noting(actor, 'user.invited', invitation.email)]);
      return { invitation, token };
    },
    async withdraw(actor, id) {
      const found = await invitations.get(id);
      if (found === null) throw new PosthornError('not_found', `There is no invitation ${id}.`);
      await invitations.remove(id, [audit.noting(actor, 'invitation.withdrawn', found.email)]);
    },
    readInvitation,
    async accept(token, { name, password, remoteAddress }) {
      const { id: invitationId, email, role, projectIds } = await readInvitation(token);
      checkPassword(password);
      const user: UserRecord = {
        id: ids.next('user'),
        email,
        name,
        passwordHash: await hashPassword(password),
        role,
        projectIds,
        createdAtMs: now(),
        disabledAtMs: null,
        totp: null,
        oidcSubject: null,
      };
      const joined = audit.noting({ user, remoteAddress }, 'user.joined', user.id);
      try {
        await users.insert(user, [invitations.taking(invitationId), joined]);
      } catch (error) {
        throw error instanceof StoreConflict ? invitationGone() : error;
      }
      return user;
    },
    async find(id) {
      const user = await users.get(id);
      if (user === null) throw new PosthornError('not_found', `There is no user ${id}.`);
      return user;
    },
    async changeRights(actor, user, rights) {
      const wasDisabled = user.disabledAtMs !== null;
      const isDisabled = rights.disabledAtMs !== null;
      const action =
        wasDisabled === isDisabled ? 'user.changed' : isDisabled ? 'user.disabled' : 'user.enabled';
      const ending = isDisabled ? [options.sessions.ending(user.id, null)] : [];
      await users
        .changeRights(user.id, rights, [...ending, audit.noting(actor, action, user.id)])
        .catch(explainLastOwner);
      return { ...user, ...rights };
    },
    remove: (actor, user) =>
      users
        .remove(user.id, [audit.noting(actor, 'user.removed', user.email)])
        .catch(explainLastOwner),
    rename: (actor, name) =>
      users.change(actor.user.id, { name }, [audit.noting(actor, 'account.renamed')]),
    async changePassword(actor, { current, next }) {
      const { user, tokenHash } = actor;
      await confirmPassword(user, current, '/current_password');
      checkPassword(next);
      await users.change(user.id, { passwordHash: await hashPassword(next) }, [
        options.sessions.ending(user.id, tokenHash),
        audit.noting(actor, 'account.password_changed'),
      ]);
    },
    confirmPassword,
  };
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function invitationGone(): PosthornError {
  const detail =
    'This invitation was used, withdrawn or is older than a week. Ask the owner for a new one.';
  return new PosthornError('invitation_gone', detail);
}

function addressTaken(email: string): PosthornError {
  return new PosthornError('conflict', `${email} has an account here already.`);
}

function explainLastOwner(error: unknown): never {
  if (!(error instanceof StoreConflict)) throw error;
  const detail =
    'No owner would be left who can sign in. Make somebody else an owner first, or reload: the user may be gone.';
  throw new PosthornError('conflict', detail, { cause: error });
}
