import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { checkInput } from '../check-input.ts';
import type { Audit } from './audit.ts';
import type { PortalDoor } from './portal-door.ts';
import type { SecondFactors } from './second-factor.ts';
import type { UserAccounts } from './user-accounts.ts';
import { nameSchema } from './user-routes.ts';

const password = z.string().max(1_024);
const renameBody = z.strictObject({ name: nameSchema });
const passwordBody = z.strictObject({ current_password: password, password });
const enableBody = z.strictObject({
  secret: z.string().max(100),
  code: z.string().max(20),
  current_password: password,
});
const disableBody = z.strictObject({ current_password: password });

/** What everyone does with their own account. */
export function addAccountRoutes(
  app: FastifyInstance,
  deps: {
    door: PortalDoor;
    accounts: UserAccounts;
    secondFactors: SecondFactors;
    audit: Pick<Audit, 'noting'>;
  },
): void {
  const { door, accounts, secondFactors, audit } = deps;
  const CURRENT = '/current_password';

  app.patch('/portal/api/account', async (request, reply) => {
    const visitor = await door.admit(request);
    await accounts.rename(visitor, checkInput(renameBody, request.body, '/').name);
    return reply.code(204).send();
  });
  app.post('/portal/api/account/password', async (request, reply) => {
    const visitor = await door.admit(request);
    const body = checkInput(passwordBody, request.body, '/');
    await accounts.changePassword(visitor, { current: body.current_password, next: body.password });
    return reply.code(204).send();
  });
  app.post('/portal/api/account/totp', async (request, reply) => {
    const { user } = await door.admit(request);
    return reply.header('cache-control', 'no-store').send(secondFactors.offer(user));
  });
  app.put('/portal/api/account/totp', async (request, reply) => {
    const visitor = await door.admit(request);
    const { secret, code, current_password } = checkInput(enableBody, request.body, '/');
    await accounts.confirmPassword(visitor.user, current_password, CURRENT);
    const noted = audit.noting(visitor, 'account.second_factor_enabled');
    const codes = await secondFactors.enable(visitor.user, { secret, code }, [noted]);
    return reply.header('cache-control', 'no-store').send({ recovery_codes: codes });
  });
  // A body with DELETE has no meaning (RFC 9110 9.3.5), and the password must not stand in the address.
  app.post('/portal/api/account/totp/disable', async (request, reply) => {
    const visitor = await door.admit(request);
    const { current_password } = checkInput(disableBody, request.body, '/');
    await accounts.confirmPassword(visitor.user, current_password, CURRENT);
    await secondFactors.disable(visitor.user.id, [
      audit.noting(visitor, 'account.second_factor_disabled'),
    ]);
    return reply.code(204).send();
  });
}
