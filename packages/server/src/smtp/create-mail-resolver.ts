import { Resolver } from 'node:dns/promises';
import { createAddressGuard } from '../lib/network/address-guard.ts';
import { createDestinationResolver, type DestinationResolver } from './resolve-destination.ts';

/** Finds mail servers by the DNS servers of the settings, or the system's. */
export function createMailResolver(options: {
  dnsServers: readonly string[];
  /** Networks that mail servers may be in although they are not public. */
  networks: readonly string[];
  now: () => number;
  random: () => number;
}): DestinationResolver {
  const dns = new Resolver();
  if (options.dnsServers.length > 0) dns.setServers([...options.dnsServers]);
  const guard = createAddressGuard([...options.networks]);
  return createDestinationResolver({
    resolveMx: (domain) => dns.resolveMx(domain),
    resolve4: (host) => dns.resolve4(host),
    resolve6: (host) => dns.resolve6(host),
    now: options.now,
    random: options.random,
    allowAddress: (address) => guard.refuse(address) === null,
  });
}
