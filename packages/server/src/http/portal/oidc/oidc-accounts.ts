import type { Ids } from '../../../core/ids.ts';
import {
  type Claims,
  decideRole,
  mayComeFrom,
  type OidcAdmission,
} from '../../../core/oidc-role.ts';
import type { UserRecord, Users } from '../../../store/access/users.ts';
import { StoreConflict } from '../../../store/engine.ts';
import type { Audit } from '../audit.ts';
import { emailSchema } from '../user-routes.ts';
import { OidcRefusal } from './oidc-client.ts';

/** Which user somebody is who comes from the provider. */
export interface OidcAccounts {
  /** Finds, links or makes the user. Throws OidcRefusal. */
  admit(claims: Claims & { sub: string }, remoteAddress: string): Promise<UserRecord>;
}

const MAX_NAME = 100;

export function createOidcAccounts(options: {
  issuer: string;
  admission: OidcAdmission;
  /** An address counts although the provider does not say that it is verified. */
  trustsEmail: boolean;
  users: Pick<Users, 'bySubject' | 'byEmail' | 'count' | 'insert' | 'linkSubject'>;
  audit: Pick<Audit, 'noting'>;
  ids: Ids;
  now: () => number;
}): OidcAccounts {
  const { issuer, admission, users, audit, ids, now } = options;

  /** Who may name an address that is not theirs could be anybody. */
  function readEmail({ email, email_verified: isVerified }: Claims): string {
    const read = emailSchema.safeParse(email);
    if (!read.success) throw new OidcRefusal('email', 'The claims have no email address.');
    if (isVerified === true || options.trustsEmail) return read.data.toLowerCase();
    const message = `${read.data} is not verified, says the provider (email_verified; see oidc_trust_email).`;
    throw new OidcRefusal('email', message);
  }

  async function link(user: UserRecord, oidcSubject: string, from: string): Promise<UserRecord> {
    if (user.oidcSubject !== null) {
      const message = `${user.email} belongs to somebody else of the provider. Remove that user first.`;
      throw new OidcRefusal('not_allowed', message);
    }
    const noted = audit.noting({ user, remoteAddress: from }, 'account.oidc_linked', user.id);
    await users.linkSubject(user.id, oidcSubject, [noted]);
    return { ...user, oidcSubject };
  }

  async function make(
    claims: Claims,
    { email, oidcSubject, from }: { email: string; oidcSubject: string; from: string },
  ): Promise<UserRecord> {
    const role = decideRole(claims, admission);
    // The first user is the owner, and is made with the setup token.
    if (role === null || (role !== 'owner' && (await users.count()) === 0)) {
      throw new OidcRefusal('not_allowed', `${email} has no account, and no claim gives a role.`);
    }
    const user: UserRecord = {
      id: ids.next('user'),
      email,
      name: typeof claims['name'] === 'string' ? claims['name'].slice(0, MAX_NAME) : '',
      passwordHash: '',
      role,
      projectIds: null,
      createdAtMs: now(),
      disabledAtMs: null,
      totp: null,
      oidcSubject,
    };
    const noted = audit.noting({ user, remoteAddress: from }, 'user.joined', user.id);
    await users.insert(user, [noted]);
    return user;
  }

  async function findOrMake(claims: Claims & { sub: string }, from: string): Promise<UserRecord> {
    const oidcSubject = `${issuer} ${claims.sub}`;
    const email = readEmail(claims);
    if (!mayComeFrom(email, admission)) {
      throw new OidcRefusal('not_allowed', `${email} is of no domain in oidc_domains.`);
    }
    const known = await users.bySubject(oidcSubject);
    if (known !== null) return known;
    const user = await users.byEmail(email);
    if (user !== null) return link(user, oidcSubject, from);
    return make(claims, { email, oidcSubject, from });
  }

  return {
    async admit(claims, remoteAddress) {
      const user = await findOrMake(claims, remoteAddress).catch((error: unknown) => {
        // They came twice at the same time: the other one has made or linked the user.
        if (error instanceof StoreConflict) return findOrMake(claims, remoteAddress);
        throw error;
      });
      if (user.disabledAtMs === null) return user;
      throw new OidcRefusal('not_allowed', `${user.email} is disabled.`);
    },
  };
}
