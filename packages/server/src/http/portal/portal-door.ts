import type { FastifyReply, FastifyRequest } from 'fastify';
import { PosthornError } from '../../lib/errors.ts';
import type { ProjectDirectory } from '../../store/project-directory.ts';
import { clientOf } from '../client-address.ts';
import type { Actor } from './audit.ts';
import { readCookie } from './read-cookie.ts';
import { checkCsrf, SESSION_MS, type SessionService, type SignedIn } from './sign-in.ts';

const CSRF_HEADER = 'x-posthorn-csrf';

/** Somebody who has signed in, at this request. */
export type Visitor = SignedIn & Actor;

/** How the routes of the portal know who asks, and let somebody in. */
export interface PortalDoor {
  /** The cookie of the session; null without one. */
  readToken(request: FastifyRequest): string | null;
  /** Who asks. What changes something needs the token against forgery. Throws `signed_out`, `csrf`. */
  admit(request: FastifyRequest): Promise<Visitor>;
  /** Throws `missing_role` too. */
  admitOwner(request: FastifyRequest): Promise<Visitor>;
  /** Sets the cookie and answers with who has come in. */
  welcome(reply: FastifyReply, token: string): Promise<FastifyReply>;
  /** Sets the cookie alone. */
  putToken(reply: FastifyReply, token: string): void;
  /** From outside the server is reached by HTTPS. */
  readonly isSecure: boolean;
  /** Takes the cookie away. */
  forget(reply: FastifyReply): void;
  describe(signedIn: SignedIn): object;
}

export function createPortalDoor(options: {
  service: Pick<SessionService, 'find'>;
  projects: Pick<ProjectDirectory, 'all'>;
  /** From outside the server is reached by HTTPS: browsers keep the cookie to that. */
  isSecure: boolean;
  version: string;
  refuseWork(): PosthornError | null;
}): PortalDoor {
  const { service, projects, isSecure } = options;
  const cookieName = isSecure ? '__Host-posthorn' : 'posthorn_session';

  const readToken = (request: FastifyRequest): string | null => readCookie(request, cookieName);

  function writeToken(reply: FastifyReply, token: string | null): void {
    const seconds = token === null ? 0 : SESSION_MS / 1_000;
    const secure = isSecure ? '; Secure' : '';
    reply.header(
      'set-cookie',
      `${cookieName}=${token ?? ''}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure}`,
    );
  }

  async function admit(request: FastifyRequest): Promise<Visitor> {
    const signedIn = await service.find(readToken(request));
    if (request.method !== 'GET') {
      checkCsrf(signedIn, request.headers[CSRF_HEADER]);
      const refusal = options.refuseWork();
      if (refusal !== null) throw refusal;
    }
    return { ...signedIn, remoteAddress: clientOf(request) };
  }

  const describe = ({ user, csrfToken }: SignedIn): object => ({
    user: {
      id: user.id,
      email: user.email,
      name: user.name,
      role: user.role,
      has_totp: user.totp !== null,
      recovery_codes: user.totp?.recoveryHashes.length ?? 0,
      has_password: user.passwordHash !== '',
    },
    projects: projects
      .all()
      .filter(({ id }) => user.projectIds?.includes(id) ?? true)
      .map(({ id, name }) => ({ id, name })),
    csrf_token: csrfToken,
    server: { version: options.version },
  });

  return {
    readToken,
    admit,
    async admitOwner(request) {
      const visitor = await admit(request);
      if (visitor.user.role === 'owner') return visitor;
      throw new PosthornError('missing_role', `This is for owners; you are ${visitor.user.role}.`);
    },
    async welcome(reply, token) {
      writeToken(reply, token);
      return reply.code(201).send(describe(await service.find(token)));
    },
    putToken: writeToken,
    isSecure,
    forget: (reply) => writeToken(reply, null),
    describe,
  };
}
