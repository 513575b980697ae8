import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Ids } from '../../core/ids.ts';
import { ROLE_SCOPES } from '../../core/roles.ts';
import { PosthornError } from '../../lib/errors.ts';
import { hashPassword, isPassword } from '../../lib/secrets/password.ts';
import type { SessionRecord, Sessions } from '../../store/access/sessions.ts';
import type { UserRecord, Users } from '../../store/access/users.ts';
import { StoreConflict } from '../../store/engine.ts';
import type { Caller } from '../access/authenticate.ts';
import type { Audit } from './audit.ts';
import type { GuessLimits } from './guess-limits.ts';
import type { SecondFactors } from './second-factor.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Longest life of a session, and how long it may lie idle. */
export const SESSION_MS = 14 * DAY_MS;
const IDLE_MS = DAY_MS;
const TOKEN_BYTES = 32;
const MIN_PASSWORD = 12;
const MAX_PASSWORD = 256;

/** Somebody who has signed in. */
export interface SignedIn {
  user: UserRecord;
  /** For the header X-Posthorn-Csrf: a page of another site cannot know it. */
  csrfToken: string;
  /** Of their session (store/access/sessions.ts). */
  tokenHash: string;
}

/** What somebody says who wants to come in. */
export interface SignInFields {
  email: string;
  password: string;
  /** A code of the second factor; null when none was given. */
  totp: string | null;
  remoteAddress: string;
}

export interface SessionService {
  /** Makes the first user, the owner; throws `conflict` when there is one. */
  createOwner(fields: Omit<SignInFields, 'totp'>): Promise<UserRecord>;
  /** A new session's token. Throws `wrong_sign_in`, `totp_required`, `wrong_totp`, `rate_limited`. */
  signIn(fields: SignInFields): Promise<string>;
  /** Opens a session for a user who has shown otherwise who they are; `issuer`: by OpenID Connect, to whom. */
  open(user: UserRecord, remoteAddress: string, issuer?: string): Promise<string>;
  signOut(token: string): Promise<void>;
  /** Throws `signed_out`, or `no_owner` when there is no user at all. */
  find(token: string | null): Promise<SignedIn>;
  /** Who asks for an object of a project. Throws `not_found` for a project that they do not see. */
  toCaller(signedIn: SignedIn, projectId: string): Caller;
}

export function createSessionService(options: {
  users: Users;
  sessions: Sessions;
  secondFactors: Pick<SecondFactors, 'check'>;
  audit: Pick<Audit, 'noting'>;
  limits: Pick<GuessLimits, 'takePassword' | 'takeAddress' | 'givePasswordBack'>;
  ids: Ids;
  now: () => number;
}): SessionService {
  const { users, sessions, audit, limits, ids, now } = options;
  // Made when it is first needed; compared with when nobody has the address, or no password, so that it takes as long.
  let nobody: Promise<string> | null = null;

  async function check(email: string, password: string): Promise<UserRecord> {
    const user = await users.byEmail(email);
    nobody ??= hashPassword('nobody has this password');
    const isRight = await isPassword(password, user?.passwordHash || (await nobody));
    if (user !== null && isRight && user.passwordHash !== '' && user.disabledAtMs === null)
      return user;
    throw new PosthornError('wrong_sign_in', 'No account has this email and this password.');
  }

  async function open(user: UserRecord, remoteAddress: string, issuer?: string): Promise<string> {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const createdAtMs = now();
    await sessions.purge(createdAtMs);
    const session = {
      tokenHash: hashToken(token),
      userId: user.id,
      createdAtMs,
      seenAtMs: createdAtMs,
      expiresAtMs: createdAtMs + SESSION_MS,
    };
    await sessions.insert(session, [
      audit.noting({ user, remoteAddress }, 'session.opened', issuer),
    ]);
    return token;
  }

  const isOver = (session: SessionRecord): boolean =>
    session.expiresAtMs <= now() || session.seenAtMs + IDLE_MS <= now();

  return {
    async createOwner({ email, password, remoteAddress }) {
      checkPassword(password);
      if ((await users.count()) > 0) throw ownerExists();
      const user: UserRecord = {
        id: ids.next('user'),
        email: email.toLowerCase(),
        name: '',
        passwordHash: await hashPassword(password),
        role: 'owner',
        projectIds: null,
        createdAtMs: now(),
        disabledAtMs: null,
        totp: null,
        oidcSubject: null,
      };
      try {
        await users.insert(user, [audit.noting({ user, remoteAddress }, 'owner.created', user.id)]);
      } catch (error) {
        throw error instanceof StoreConflict ? ownerExists() : error;
      }
      return user;
    },
    async signIn({ email, password, totp, remoteAddress }) {
      limits.takeAddress(remoteAddress);
      limits.takePassword(email);
      const user = await check(email, password);
      await options.secondFactors.check(user, totp);
      limits.givePasswordBack(email, remoteAddress);
      return open(user, remoteAddress);
    },
    open,
    signOut: (token) => sessions.end(hashToken(token)),
    async find(token) {
      const session = token === null ? null : await sessions.find(hashToken(token));
      const user = session === null ? null : await users.get(session.userId);
      if (token === null || session === null || isOver(session) || user?.disabledAtMs !== null) {
        if (token === null && (await users.count()) === 0) {
          throw new PosthornError('no_owner', 'This server has no user yet: create the owner.');
        }
        throw new PosthornError('signed_out', 'Sign in first.');
      }
      if (session.seenAtMs + MINUTE_MS <= now()) {
        await sessions.noteSeen(session.tokenHash, now());
      }
      return { user, csrfToken: csrfTokenOf(token), tokenHash: session.tokenHash };
    },
    toCaller({ user }, projectId) {
      if (user.projectIds !== null && !user.projectIds.includes(projectId)) {
        throw new PosthornError('not_found', `There is no project ${projectId}.`);
      }
      return { projectId, keyId: user.id, scopes: ROLE_SCOPES[user.role], keyMode: 'live' };
    },
  };
}

/** Throws `csrf` unless the header holds the token of the session. */
export function checkCsrf({ csrfToken }: SignedIn, header: unknown): void {
  const given = Buffer.from(typeof header === 'string' ? header : '');
  const wanted = Buffer.from(csrfToken);
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  const detail =
    'A request with the cookie of a session needs its token in X-Posthorn-Csrf. Reload the page.';
  throw new PosthornError('csrf', detail);
}

/** Throws `invalid_field`. */
export function checkPassword(password: string): void {
  const length = [...password].length;
  if (length >= MIN_PASSWORD && length <= MAX_PASSWORD) return;
  const detail = `A password has ${MIN_PASSWORD} to ${MAX_PASSWORD} characters; this one has ${length}.`;
  throw new PosthornError('invalid_field', `/password: ${detail}`, {
    fields: [{ pointer: '/password', detail }],
  });
}

function ownerExists(): PosthornError {
  const detail = 'This server has an owner already. Sign in, or ask the owner for an invitation.';
  return new PosthornError('conflict', detail);
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function csrfTokenOf(token: string): string {
  return createHmac('sha256', token).update('posthorn/csrf').digest('base64url');
}
