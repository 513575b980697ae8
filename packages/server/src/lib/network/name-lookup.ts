import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';

/**
 * Finds the addresses of a name, IPv4 first: by these DNS servers (`ip` or `ip:port`), or without any as the
 * system does. Rejects where there are none.
 */
export function createNameLookup(
  servers: readonly string[],
): (hostname: string) => Promise<LookupAddress[]> {
  if (servers.length === 0) return (hostname) => lookup(hostname, { all: true });
  const dns = new Resolver();
  dns.setServers([...servers]);
  return async (hostname) => {
    const answers = await Promise.allSettled([dns.resolve4(hostname), dns.resolve6(hostname)]);
    const found = answers.flatMap((answer, i) =>
      answer.status === 'rejected'
        ? []
        : answer.value.map((address) => ({ address, family: i === 0 ? 4 : 6 })),
    );
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (found.length === 0) throw failed?.reason ?? new Error(`${hostname} has no address.`);
    return found;
  };
}
