import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Ids } from '../../core/ids.ts';
import { PosthornError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { SecretBox } from '../../lib/secrets/secret-box.ts';
import type { MailReader } from '../../mail/inbound/read/mail-reader.ts';
import type { ProjectDirectory } from '../../store/project-directory.ts';
import type { Store } from '../../store/store.ts';
import type { Authenticator, Caller } from '../access/authenticate.ts';
import { addAccountRoutes } from './account-routes.ts';
import { createAudit } from './audit.ts';
import { createGuessLimits } from './guess-limits.ts';
import { addLinkPages } from './link-pages.ts';
import { addMessageFrames } from './message-frame.ts';
import { type Change, noteChanges } from './note-changes.ts';
import { addOidc, type OidcSettings } from './oidc/add-oidc.ts';
import { createPortalDoor } from './portal-door.ts';
import { ENCODINGS, type PortalFile, type PortalFiles } from './portal-files.ts';
import { createSecondFactors } from './second-factor.ts';
import { addSessionRoutes } from './session-routes.ts';
import { createSessionService } from './sign-in.ts';
import { createUserAccounts } from './user-accounts.ts';
import { addUserRoutes, type SendInvitation } from './user-routes.ts';

/** What people see: files for the browser, and sessions that stand in for API keys. */
export interface Portal {
  /** Who asks, by their session; null for a request that has a key or no session. */
  identify(request: FastifyRequest): Promise<Caller | null>;
  register(app: FastifyInstance): void;
}

const PROJECT_HEADER = 'x-posthorn-project';

/** Nothing from elsewhere, no inline script, and a frame around it by these sites alone. */
const pageHeaders = (frameAncestors: readonly string[]) => ({
  'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors ${frameAncestors.join(' ') || "'none'"}`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
});

export interface PortalOptions {
  store: Pick<
    Store,
    'users' | 'sessions' | 'invitations' | 'audit' | 'messages' | 'receivedMail' | 'apiKeys'
  >;
  mailReader: Pick<MailReader, 'html'>;
  secretBox: Pick<SecretBox, 'seal' | 'open'>;
  authenticator: Pick<Authenticator, 'identify' | 'identifyLink'>;
  projects: Pick<ProjectDirectory, 'all' | 'find'>;
  sendInvitation: SendInvitation;
  /** Null when it was not built. */
  files: PortalFiles | null;
  /** From outside the server is reached by HTTPS: browsers keep the cookie to that. */
  isSecure: boolean;
  /** Of this server, for authenticator apps. */
  hostname: string;
  auditRetentionMs: number;
  version: string;
  ids: Ids;
  now: () => number;
  log: Log;
  refuseWork(): PosthornError | null;
  /** Who signs people in beside passwords; null: nobody. */
  oidc: OidcSettings | null;
}

export function createPortal(options: PortalOptions): Portal {
  const { store, projects, files, ids, now, refuseWork, oidc } = options;
  const { users, sessions, invitations } = store;
  const limits = createGuessLimits(now);
  const retentionMs = options.auditRetentionMs;
  const audit = createAudit({ audit: store.audit, ids, now, retentionMs });
  const secondFactors = createSecondFactors({
    users,
    secretBox: options.secretBox,
    limits,
    issuer: `Posthorn ${options.hostname}`,
    now,
  });
  const service = createSessionService({
    users,
    sessions,
    secondFactors,
    audit,
    limits,
    ids,
    now,
  });
  const accounts = createUserAccounts({ users, sessions, invitations, audit, limits, ids, now });
  const door = createPortalDoor({ ...options, service });
  /** Who is at work by a session, for the audit log. */
  const changes = new WeakMap<FastifyRequest, Change>();

  async function sendFile(
    request: FastifyRequest,
    reply: FastifyReply,
    file: PortalFile,
    frameAncestors: readonly string[] = [],
  ): Promise<FastifyReply> {
    const accepted = request.headers['accept-encoding'] ?? '';
    const encoding = ENCODINGS.find((one) => accepted.includes(one));
    if (encoding !== undefined) reply.header('content-encoding', encoding);
    return reply
      .headers(pageHeaders(frameAncestors))
      .header('cache-control', reply.getHeader('cache-control') ?? file.cacheControl)
      .header('vary', 'accept-encoding')
      .type(file.type)
      .send(await file.bytes(encoding ?? null));
  }

  function addFileRoutes(app: FastifyInstance): void {
    app.get('/', async (_, reply) => reply.redirect('/portal/'));
    app.get('/portal', async (_, reply) => reply.redirect('/portal/'));
    app.get('/portal/*', async (request, reply) => {
      const path = (request.params as { '*': string })['*'];
      if (files === null) throw notBuilt();
      const file = path.startsWith('api/') ? null : files.find(path === '' ? 'index.html' : path);
      if (file === null)
        throw new PosthornError('not_found', `There is nothing at /portal/${path}.`);
      return sendFile(request, reply, file);
    });
  }

  function sendStartPage(
    request: FastifyRequest,
    reply: FastifyReply,
    frameAncestors: readonly string[],
  ): Promise<FastifyReply> {
    const file = files?.find('index.html') ?? null;
    if (file === null) throw notBuilt();
    return sendFile(request, reply, file, frameAncestors);
  }

  return {
    async identify(request) {
      const { headers } = request;
      if (headers.authorization !== undefined || headers['x-api-key'] !== undefined) return null;
      const projectId = headers[PROJECT_HEADER];
      if (door.readToken(request) === null && projectId === undefined) return null;
      const visitor = await door.admit(request);
      if (typeof projectId !== 'string' || projects.find(projectId) === null) {
        throw new PosthornError('not_found', `There is no project ${projectId ?? ''}.`);
      }
      const caller = service.toCaller(visitor, projectId);
      const { user, remoteAddress } = visitor;
      changes.set(request, { user, remoteAddress, projectId });
      return caller;
    },
    register(app) {
      noteChanges(app, {
        audit,
        changeOf: (request) => changes.get(request) ?? null,
        log: options.log,
      });
      addSessionRoutes(app, {
        door,
        service,
        authenticator: options.authenticator,
        refuseWork,
        signInService: oidc === null ? null : new URL(oidc.provider.issuer).host,
      });
      if (oidc !== null) {
        const { takeAddress } = limits;
        addOidc(app, oidc, { ...options, ...{ door, service, users, audit, takeAddress } });
      }
      addAccountRoutes(app, { door, accounts, secondFactors, audit });
      addUserRoutes(app, {
        door,
        service,
        accounts,
        users,
        invitations,
        audit,
        auditLog: store.audit,
        secondFactors,
        takeAddress: limits.takeAddress,
        projects,
        sendInvitation: options.sendInvitation,
        now,
      });
      addLinkPages(app, { ...options, apiKeys: store.apiKeys, sendPage: sendStartPage });
      const { messages, receivedMail } = store;
      const { mailReader } = options;
      addMessageFrames(app, { door, service, messages, receivedMail, mailReader });
      addFileRoutes(app);
    },
  };
}

function notBuilt(): PosthornError {
  const detail =
    'The portal was not built. In a checkout run "npm run build -w @posthorn/portal" and start the server again.';
  return new PosthornError('not_found', detail);
}
