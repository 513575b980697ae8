import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { PosthornError } from '../../lib/errors.ts';
import { type Authenticator, hashApiKey, requireScope } from '../access/authenticate.ts';
import { checkInput } from '../check-input.ts';
import { clientOf } from '../client-address.ts';
import type { PortalDoor } from './portal-door.ts';
import type { SessionService } from './sign-in.ts';
import { emailSchema } from './user-routes.ts';

const credentials = { email: emailSchema, password: z.string().max(1_024) };
const signInBody = z.strictObject({ ...credentials, totp: z.string().max(40).optional() });
const ownerBody = z.strictObject({
  setup_token: z.string().min(1).max(512),
  ...credentials,
});

/** Signing in and out, and the first user. */
export function addSessionRoutes(
  app: FastifyInstance,
  deps: {
    door: PortalDoor;
    service: SessionService;
    authenticator: Pick<Authenticator, 'identify'>;
    refuseWork(): PosthornError | null;
    /** The host of the provider of OpenID Connect; null without one. */
    signInService: string | null;
  },
): void {
  const { door, service } = deps;

  function takeWork(): void {
    const refusal = deps.refuseWork();
    if (refusal !== null) throw refusal;
  }

  /** Whoever has the key of the operator may make the owner. */
  async function admitOperator(key: string): Promise<void> {
    try {
      requireScope(await deps.authenticator.identify(hashApiKey(key)), 'admin');
    } catch (cause) {
      if (!(cause instanceof PosthornError)) throw cause;
      const detail =
        'This is not the API key that the server printed when it first started, nor another one with the scope "admin".';
      throw new PosthornError('invalid_field', `/setup_token: ${detail}`, {
        fields: [{ pointer: '/setup_token', detail }],
      });
    }
  }

  const noSession = (reason: string): object =>
    deps.signInService === null ? { reason } : { reason, sign_in_service: deps.signInService };

  app.get('/portal/api/session', async (request, reply) => {
    // That nobody is signed in is an answer and no error: it is what this asks.
    const body = await service
      .find(door.readToken(request))
      .then(door.describe, (error: unknown) => {
        if (error instanceof PosthornError && error.status === 401) return noSession(error.code);
        throw error;
      });
    return reply.header('cache-control', 'no-store').send(body);
  });
  app.post('/portal/api/session', async (request, reply) => {
    takeWork();
    const { totp = null, ...given } = checkInput(signInBody, request.body, '/');
    const token = await service.signIn({ ...given, totp, remoteAddress: clientOf(request) });
    return door.welcome(reply, token);
  });
  app.delete('/portal/api/session', async (request, reply) => {
    await door.admit(request);
    const token = door.readToken(request);
    if (token !== null) await service.signOut(token);
    door.forget(reply);
    return reply.code(204).send();
  });
  app.post('/portal/api/owner', async (request, reply) => {
    takeWork();
    const { setup_token: key, email, password } = checkInput(ownerBody, request.body, '/');
    await admitOperator(key);
    const remoteAddress = clientOf(request);
    const user = await service.createOwner({ email, password, remoteAddress });
    return door.welcome(reply, await service.open(user, remoteAddress));
  });
}
