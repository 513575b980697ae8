import { compareRoutes, matchesPattern, toInboundAddress } from '../../core/mail/inbound-route.ts';
import type { InboundRoute, InboundRoutes } from '../../store/mail/inbound-routes.ts';
import type { DomainDirectory } from '../domains/domain-directory.ts';

/**
 * The route of each project that takes mail for an address: of those that prove the nearest domain now, so
 * that nobody gets mail of a name that is another's. Where no domain is proven nothing is looked up.
 */
export type FindRoutes = (address: string) => Promise<InboundRoute[]>;

export function createFindRoutes(deps: {
  routes: Pick<InboundRoutes, 'ofDomains'>;
  directory: Pick<DomainDirectory, 'findProven'>;
  projectExists: (projectId: string) => boolean;
}): FindRoutes {
  return async (given) => {
    const address = toInboundAddress(given);
    const host = address.slice(address.lastIndexOf('@') + 1);
    const domains = deps.directory
      .findProven(host)
      .filter(({ projectId }) => deps.projectExists(projectId));
    const found = await Promise.all(
      domains.map(async ({ projectId, name }) => {
        const routes = await deps.routes.ofDomains(projectId, namesDownTo(host, name));
        return routes
          .filter(({ pattern }) => matchesPattern(pattern, address))
          .sort(compareRoutes)[0];
      }),
    );
    return found
      .filter((route) => route !== undefined)
      .filter(({ action }) => action === 'receive');
  };
}

/** `a.b.test` down to `b.test`: both. */
function namesDownTo(host: string, name: string): string[] {
  const names = [host];
  for (let at = host; at !== name && at.includes('.'); ) {
    at = at.slice(at.indexOf('.') + 1);
    names.push(at);
  }
  return names;
}
