import type { FastifyInstance } from 'fastify';
import type { OidcAdmission } from '../../../core/oidc-role.ts';
import type { Users } from '../../../store/access/users.ts';
import { createOidcAccounts } from './oidc-accounts.ts';
import { createOidcClient, type OidcProvider } from './oidc-client.ts';
import { addOidcRoutes } from './oidc-routes.ts';

/** Who signs people in beside the portal's own passwords, and whom it lets in. */
export interface OidcSettings {
  provider: OidcProvider;
  admission: OidcAdmission;
  trustsEmail: boolean;
  publicUrl: string | null;
}

type RouteDeps = Omit<
  Parameters<typeof addOidcRoutes>[1],
  'client' | 'accounts' | 'issuer' | 'publicUrl'
>;
type AccountDeps = Pick<Parameters<typeof createOidcAccounts>[0], 'audit' | 'ids'> & {
  users: Users;
};

/** Sign-in by OpenID Connect, with its routes. */
export function addOidc(
  app: FastifyInstance,
  settings: OidcSettings,
  deps: RouteDeps & AccountDeps,
): void {
  const { provider, admission, trustsEmail, publicUrl } = settings;
  const { issuer } = provider;
  const wanted = ['email', ...(admission.roleClaim === null ? [] : [admission.roleClaim])];
  const client = createOidcClient({ provider, wanted, now: deps.now });
  const accounts = createOidcAccounts({ ...deps, issuer, admission, trustsEmail });
  addOidcRoutes(app, { ...deps, client, accounts, issuer, publicUrl });
}
