import { Resolver } from 'node:dns/promises';
import { createAddressGuard } from '../../lib/network/address-guard.ts';
import { createTextFetcher } from '../../lib/network/fetch-text.ts';
import type { SmtpLog } from '../smtp-log.ts';
import { createDaneLookup } from './dane-lookup.ts';
import { createSecureQuery } from './dns-query.ts';
import type { TlsPolicyOptions } from './host-policy.ts';
import { createStsPolicies } from './sts-policies.ts';

/** RFC 8461 3.3: less than 64 kB, within a minute; who takes so long keeps mail waiting. */
const MAX_POLICY_BYTES = 65_536;
const POLICY_TIMEOUT_MS = 10_000;

/** What is read of the policies of domains, by the settings. */
export function createTlsPolicies(options: {
  mailMtaSts: boolean;
  /** The DNS servers check DNSSEC, and nobody else is on the way to them. */
  mailDane: boolean;
  mailPort: number;
  dnsServers: readonly string[];
  /** Networks that a policy may be fetched from although they are not public. */
  networks: readonly string[];
  now: () => number;
  log: SmtpLog;
}): Pick<TlsPolicyOptions, 'sts' | 'dane'> {
  const { now, log } = options;
  const dns = new Resolver();
  if (options.dnsServers.length > 0) dns.setServers([...options.dnsServers]);
  const query = createSecureQuery(dns.getServers());
  const fetchText = createTextFetcher({
    guard: createAddressGuard([...options.networks]),
    timeoutMs: POLICY_TIMEOUT_MS,
    maxBytes: MAX_POLICY_BYTES,
    dnsServers: options.dnsServers,
  });
  const resolveTxt = (name: string): Promise<string[][]> => dns.resolveTxt(name);
  return {
    ...(options.mailMtaSts ? { sts: createStsPolicies({ resolveTxt, fetchText, now, log }) } : {}),
    ...(options.mailDane ? { dane: createDaneLookup({ query, port: options.mailPort, now }) } : {}),
  };
}
