import { isIP } from 'node:net';
import type { Ids } from '../../core/ids.ts';
import { createAddressGuard } from '../../lib/network/address-guard.ts';
import { createTextFetcher } from '../../lib/network/fetch-text.ts';
import type { SecretBox } from '../../lib/secrets/secret-box.ts';
import type { EventLog } from '../../store/log/event-log.ts';
import type { Domains } from '../../store/mail/domains.ts';
import { judgeMx, type Verdict } from './check-records.ts';
import { createDnsLookup } from './dns-lookup.ts';
import { createDomainChecker, type DomainChecker } from './domain-checker.ts';
import { createDomainDirectory, type DomainDirectory } from './domain-directory.ts';
import type { SendingHosts } from './domain-records.ts';
import { createSenderRules, type SenderRules } from './sender-rules.ts';

export type MxVerdict = Verdict & { expected: string };

/** A policy of MTA-STS is a few lines (RFC 8461 3.3 asks for less than 64 kB). */
const MAX_POLICY_BYTES = 65_536;
const POLICY_TIMEOUT_MS = 10_000;

/** Everything about sending domains that works by itself. */
export interface DomainRoom {
  directory: DomainDirectory;
  checker: DomainChecker;
  rules: SenderRules;
  hosts: SendingHosts;
  /** Whether mail to a name comes to this server. */
  checkMx(name: string): Promise<MxVerdict>;
}

export function createDomainRoom(deps: {
  config: {
    dnsServers: readonly string[];
    hostname: string;
    spfTerm: string | null;
    publicUrl: string | null;
  };
  domains: Domains;
  log: EventLog;
  secretBox: SecretBox;
  ids: Ids;
  now: () => number;
  requiresVerified: (projectId: string) => boolean | null;
}): DomainRoom {
  const { config, domains, log, ids, now } = deps;
  const { hostname, publicUrl } = config;
  const hosts: SendingHosts = {
    hostname,
    spfTerm: config.spfTerm ?? `a:${hostname}`,
    trackingHost: trackingTarget(publicUrl),
  };
  const directory = createDomainDirectory({ domains, secretBox: deps.secretBox });
  const tools = {
    hosts,
    dns: createDnsLookup(config.dnsServers),
    fetchText: createTextFetcher({
      guard: createAddressGuard([]),
      timeoutMs: POLICY_TIMEOUT_MS,
      maxBytes: MAX_POLICY_BYTES,
      dnsServers: config.dnsServers,
    }),
  };
  const changed = directory.load;
  return {
    directory,
    checker: createDomainChecker({ domains, log, ids, now, tools, changed }),
    rules: createSenderRules({ directory, requiresVerified: deps.requiresVerified, now }),
    hosts,
    checkMx: async (name) => ({
      expected: `10 ${hostname}`,
      ...judgeMx(await tools.dns.mx(name), hostname),
    }),
  };
}

/** Null where no CNAME can lead: an address has no name. */
function trackingTarget(publicUrl: string | null): string | null {
  if (publicUrl === null) return null;
  const { hostname } = new URL(publicUrl);
  return isIP(hostname.replace(/^\[|\]$/g, '')) === 0 ? hostname : null;
}
