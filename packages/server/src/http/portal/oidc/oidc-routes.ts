import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { PosthornError } from '../../../lib/errors.ts';
import type { Log } from '../../../lib/log.ts';
import type { SecretBox } from '../../../lib/secrets/secret-box.ts';
import { clientOf } from '../../client-address.ts';
import type { PortalDoor } from '../portal-door.ts';
import { readCookie } from '../read-cookie.ts';
import type { SessionService } from '../sign-in.ts';
import type { OidcAccounts } from './oidc-accounts.ts';
import { type BegunSignIn, type OidcClient, OidcRefusal } from './oidc-client.ts';

/** What the browser keeps while somebody is at the provider, sealed: no other one can come back with it. */
interface Begun extends BegunSignIn {
  /** The page that they asked for. */
  page: string;
  untilMs: number;
}

/** How long somebody may take at the provider. */
const SIGN_IN_MS = 10 * 60_000;
const SEAL_CONTEXT = 'oidc-sign-in';
const BASE = '/portal/api/oidc';
const START_PAGE = '/portal/';

/**
 * Signing in by OpenID Connect: to the provider, and back. Both are pages of a browser, so what goes wrong
 * leads to the sign-in page, with the reason behind the `#`.
 */
export function addOidcRoutes(
  app: FastifyInstance,
  deps: {
    client: OidcClient;
    accounts: OidcAccounts;
    /** Of the provider, for the audit log. */
    issuer: string;
    /** Null: the server is where the browser has asked. */
    publicUrl: string | null;
    door: Pick<PortalDoor, 'putToken' | 'isSecure'>;
    service: Pick<SessionService, 'open'>;
    secretBox: Pick<SecretBox, 'seal' | 'open'>;
    takeAddress(remoteAddress: string): void;
    refuseWork(): PosthornError | null;
    now(): number;
    log: Log;
  },
): void {
  const { client, accounts, door, secretBox, now } = deps;
  const cookieName = door.isSecure ? '__Secure-posthorn_oidc' : 'posthorn_oidc';

  function keep(reply: FastifyReply, value: string, seconds: number): void {
    const secure = door.isSecure ? '; Secure' : '';
    reply.header(
      'set-cookie',
      `${cookieName}=${value}; Path=${BASE}; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure}`,
    );
  }

  /** What `start` gave to this browser. */
  function readBegun(request: FastifyRequest): Begun {
    const sealed = readCookie(request, cookieName);
    try {
      const begun: Begun = JSON.parse(secretBox.open(sealed ?? '', SEAL_CONTEXT));
      if (begun.untilMs > now()) return begun;
    } catch {
      // Of another browser, of an earlier key, or made up: all the same to who comes back.
    }
    const message = 'It was not begun in this browser in the last ten minutes.';
    throw new OidcRefusal('expired', message);
  }

  const answer = (reply: FastifyReply, location: string): FastifyReply =>
    reply.header('cache-control', 'no-store').redirect(location);

  function refuse(reply: FastifyReply, error: unknown, page: string): FastifyReply {
    if (!(error instanceof OidcRefusal)) throw error;
    const fields = { reason: error.reason, detail: error.message };
    deps.log.warn(fields, 'Somebody was not let in by OpenID Connect');
    return answer(reply, `${page}#oidc=${error.reason}`);
  }

  app.get<{ Querystring: { page?: unknown } }>(`${BASE}/start`, async (request, reply) => {
    const page = readPage(request.query.page);
    const origin = deps.publicUrl ?? `${request.protocol}://${request.headers.host}`;
    try {
      const { url, begun } = await client.begin(`${origin}${BASE}/callback`);
      const kept: Begun = { ...begun, page, untilMs: now() + SIGN_IN_MS };
      keep(reply, secretBox.seal(JSON.stringify(kept), SEAL_CONTEXT), SIGN_IN_MS / 1_000);
      return answer(reply, url);
    } catch (error) {
      return refuse(reply, error, page);
    }
  });

  app.get(`${BASE}/callback`, async (request, reply) => {
    deps.takeAddress(clientOf(request));
    const refusal = deps.refuseWork();
    if (refusal !== null) throw refusal;
    let page = START_PAGE;
    // It lets in once.
    keep(reply, '', 0);
    try {
      const begun = readBegun(request);
      page = begun.page;
      const search = request.url.slice(request.url.indexOf('?'));
      const user = await accounts.admit(await client.finish(search, begun), clientOf(request));
      door.putToken(reply, await deps.service.open(user, clientOf(request), deps.issuer));
      return answer(reply, page);
    } catch (error) {
      return refuse(reply, error, page);
    }
  });
}

/** A page of the portal and nothing else: the sign-in must not lead to somebody else's. */
function readPage(given: unknown): string {
  if (typeof given !== 'string' || !URL.canParse(given, 'http://portal')) return START_PAGE;
  const { origin, pathname, search } = new URL(given, 'http://portal');
  const isOurs = origin === 'http://portal' && pathname.startsWith(START_PAGE);
  return isOurs && !pathname.startsWith('/portal/api/') ? pathname + search : START_PAGE;
}
