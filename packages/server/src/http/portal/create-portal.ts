import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { PosthornError } from '../../lib/errors.ts';
import type { ProjectDirectory } from '../../store/project-directory.ts';
import {
  type Authenticator,
  type Caller,
  hashApiKey,
  requireScope,
} from '../access/authenticate.ts';
import { checkInput } from '../check-input.ts';
import type { PortalFile, PortalFiles } from './portal-files.ts';
import { checkCsrf, SESSION_MS, type SessionService, type SignedIn } from './sign-in.ts';

/** What people see: files for the browser, and sessions that stand in for API keys. */
export interface Portal {
  /** Who asks, by their session; null for a request that has a key or no session. */
  identify(request: FastifyRequest): Promise<Caller | null>;
  register(app: FastifyInstance): void;
}

const PROJECT_HEADER = 'x-posthorn-project';
const CSRF_HEADER = 'x-posthorn-csrf';

/** Nothing from elsewhere, no inline script, no frame around it. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
};

const credentials = {
  email: z.email('Enter an email address, such as anna@example.com.').max(254),
  password: z.string().max(1_024),
};
const signInBody = z.strictObject(credentials);
const ownerBody = z.strictObject({
  setup_token: z.string().min(1).max(512),
  ...credentials,
});

export function createPortal(options: {
  service: SessionService;
  authenticator: Pick<Authenticator, 'identify'>;
  projects: Pick<ProjectDirectory, 'all' | 'find'>;
  /** Null when it was not built. */
  files: PortalFiles | null;
  /** From outside the server is reached by HTTPS: browsers keep the cookie to that. */
  isSecure: boolean;
  version: string;
  refuseWork(): PosthornError | null;
}): Portal {
  const { service, projects, files, isSecure } = options;
  const cookieName = isSecure ? '__Host-posthorn' : 'posthorn_session';

  function readToken({ headers }: FastifyRequest): string | null {
    for (const pair of (headers.cookie ?? '').split(';')) {
      const [name = '', value = ''] = pair.trim().split('=');
      if (name === cookieName && value !== '') return value;
    }
    return null;
  }

  function writeToken(reply: FastifyReply, token: string | null): void {
    const seconds = token === null ? 0 : SESSION_MS / 1_000;
    const secure = isSecure ? '; Secure' : '';
    reply.header(
      'set-cookie',
      `${cookieName}=${token ?? ''}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure}`,
    );
  }

  function takeWork(): void {
    const refusal = options.refuseWork();
    if (refusal !== null) throw refusal;
  }

  const describe = ({ user, csrfToken }: SignedIn): object => ({
    user: { id: user.id, email: user.email, name: user.name, role: user.role },
    projects: projects
      .all()
      .filter(({ id }) => user.projectIds?.includes(id) ?? true)
      .map(({ id, name }) => ({ id, name })),
    csrf_token: csrfToken,
    server: { version: options.version },
  });

  function sendFile(request: FastifyRequest, reply: FastifyReply, file: PortalFile): FastifyReply {
    const accepted = request.headers['accept-encoding'] ?? '';
    const encoding = (['br', 'gzip'] as const).find((one) => accepted.includes(one));
    if (encoding !== undefined) reply.header('content-encoding', encoding);
    return reply
      .headers(PAGE_HEADERS)
      .header('cache-control', file.cacheControl)
      .header('vary', 'accept-encoding')
      .type(file.type)
      .send(file.bytes[encoding ?? 'identity']);
  }

  function addSessionRoutes(app: FastifyInstance): void {
    app.get('/portal/api/session', async (request, reply) => {
      // That nobody is signed in is an answer and no error: it is what this asks.
      const body = await service.find(readToken(request)).then(describe, (error: unknown) => {
        if (error instanceof PosthornError && error.status === 401) return { reason: error.code };
        throw error;
      });
      return reply.header('cache-control', 'no-store').send(body);
    });
    app.post('/portal/api/session', async (request, reply) => {
      takeWork();
      const { email, password } = checkInput(signInBody, request.body, '/');
      const token = await service.signIn({ email, password, address: request.ip });
      writeToken(reply, token);
      return reply.code(201).send(describe(await service.find(token)));
    });
    app.delete('/portal/api/session', async (request, reply) => {
      const token = readToken(request);
      const signedIn = await service.find(token);
      checkCsrf(signedIn, request.headers[CSRF_HEADER]);
      if (token !== null) await service.signOut(token);
      writeToken(reply, null);
      return reply.code(204).send();
    });
    app.post('/portal/api/owner', async (request, reply) => {
      takeWork();
      const { setup_token: key, email, password } = checkInput(ownerBody, request.body, '/');
      await admitOwner(key);
      const token = await service.open(await service.createOwner({ email, password }));
      writeToken(reply, token);
      return reply.code(201).send(describe(await service.find(token)));
    });
  }

  /** Whoever has the key of the operator may make the owner. */
  async function admitOwner(key: string): Promise<void> {
    try {
      requireScope(await options.authenticator.identify(hashApiKey(key)), 'admin');
    } catch (cause) {
      if (!(cause instanceof PosthornError)) throw cause;
      const detail =
        'This is not the API key that the server printed when it first started, nor another one with the scope "admin".';
      throw new PosthornError('invalid_field', `/setup_token: ${detail}`, {
        fields: [{ pointer: '/setup_token', detail }],
      });
    }
  }

  return {
    async identify(request) {
      const { headers } = request;
      if (headers.authorization !== undefined || headers['x-api-key'] !== undefined) return null;
      const token = readToken(request);
      const projectId = headers[PROJECT_HEADER];
      if (token === null && projectId === undefined) return null;
      const signedIn = await service.find(token);
      if (request.method !== 'GET') checkCsrf(signedIn, headers[CSRF_HEADER]);
      if (typeof projectId !== 'string' || projects.find(projectId) === null) {
        throw new PosthornError('not_found', `There is no project ${projectId ?? ''}.`);
      }
      return service.toCaller(signedIn, projectId);
    },
    register(app) {
      addSessionRoutes(app);
      app.get('/', async (_, reply) => reply.redirect('/portal/'));
      app.get('/portal', async (_, reply) => reply.redirect('/portal/'));
      app.get('/portal/*', async (request, reply) => {
        const path = (request.params as { '*': string })['*'];
        if (files === null) {
          const detail =
            'The portal was not built. In a checkout run "npm run build -w @posthorn/portal" and start the server again.';
          throw new PosthornError('not_found', detail);
        }
        const file = path.startsWith('api/') ? null : files.find(path === '' ? 'index.html' : path);
        if (file === null)
          throw new PosthornError('not_found', `There is nothing at /portal/${path}.`);
        return sendFile(request, reply, file);
      });
    },
  };
}
