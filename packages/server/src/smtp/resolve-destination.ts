import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import type { TransmitErrorCode } from './transmission.ts';

/** A mail server, with the addresses to try in turn: IPv4 first, since more of it has reverse DNS. */
export interface DestinationHost {
  host: string;
  addresses: string[];
}

export type Destination =
  | { ok: true; hosts: DestinationHost[] }
  | {
      ok: false;
      errorCode: Extract<
        TransmitErrorCode,
        'invalid_address' | 'dns_not_found' | 'null_mx' | 'dns_error' | 'private_address'
      >;
      /** True: another try would give the same. */
      permanent: boolean;
      enhancedCode: string;
      message: string;
    };

export interface DestinationResolver {
  /** Where mail for `domain` goes (RFC 5321 5.1). Never rejects. */
  resolve(domain: string): Promise<Destination>;
}

export interface DestinationResolverOptions {
  /** Shaped like `node:dns/promises`: reject with `code` ENOTFOUND, ENODATA, ESERVFAIL, ETIMEOUT ... */
  resolveMx(domain: string): Promise<{ exchange: string; priority: number }[]>;
  resolve4(host: string): Promise<string[]>;
  resolve6(host: string): Promise<string[]>;
  now: () => number;
  random: () => number;
  /** False for an address that no mail may go to: loopback, private networks, our own. */
  allowAddress(address: string): boolean;
  /** How long an answer is used, in place of its TTL, which `node:dns` does not give for MX. */
  cacheMs?: number;
  maxCachedDomains?: number;
}

/** RFC 5321 5.1 asks for two at least; large providers have two to five. */
const MAX_HOSTS = 5;
const MAX_ADDRESSES_PER_HOST = 4;
/** A DNS failure is asked again soon, but not by each message of a burst. */
const FAILURE_CACHE_MS = 5_000;

interface RankedHost extends DestinationHost {
  priority: number;
}

type Found = { ok: true; hosts: RankedHost[] } | Extract<Destination, { ok: false }>;
type Addresses = { allowed: string[]; refused: number; failed: boolean };

export function createDestinationResolver(
  options: DestinationResolverOptions,
): DestinationResolver {
  const cacheMs = options.cacheMs ?? 60_000;
  const maxCached = options.maxCachedDomains ?? 10_000;
  const cache = new Map<string, { found: Promise<Found>; untilMs: number }>();

  /** One lookup for all who ask at the same time; the oldest entry goes when the cache is full. */
  function lookUp(domain: string): Promise<Found> {
    const cached = cache.get(domain);
    if (cached !== undefined && cached.untilMs > options.now()) return cached.found;
    cache.delete(domain);
    const oldest = cache.size >= maxCached ? cache.keys().next().value : undefined;
    if (oldest !== undefined) cache.delete(oldest);
    const entry = { found: findHosts(domain, options), untilMs: options.now() + cacheMs };
    cache.set(domain, entry);
    void entry.found.then((found) => {
      // Whether a domain is really not there is asked anew with each attempt.
      const isSure = found.ok || (found.permanent && found.errorCode !== 'dns_not_found');
      if (!isSure) entry.untilMs = options.now() + FAILURE_CACHE_MS;
    });
    return entry.found;
  }

  return {
    async resolve(given) {
      const domain = domainToASCII(given.replace(/\.$/, '')).toLowerCase();
      if (domain === '' || isIP(domain) !== 0 || !domain.includes('.')) {
        const message = `${JSON.stringify(given.slice(0, 100))} is not a mail domain`;
        return refusal('invalid_address', '5.1.2', message);
      }
      const found = await lookUp(domain);
      if (!found.ok) return found;
      const hosts = shuffle(found.hosts, options.random)
        .sort((a, b) => a.priority - b.priority)
        .map(({ host, addresses }) => ({ host, addresses }));
      return { ok: true, hosts };
    },
  };
}

async function findHosts(domain: string, options: DestinationResolverOptions): Promise<Found> {
  let records: { exchange: string; priority: number }[];
  try {
    records = await options.resolveMx(domain);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOTFOUND') {
      return refusal('dns_not_found', '5.1.2', `The domain ${domain} does not exist`);
    }
    if (code !== 'ENODATA') return dnsError(`The MX lookup of ${domain} failed: ${code}`);
    records = [];
  }
  const named = records.filter((record) => record.exchange !== '' && record.exchange !== '.');
  if (records.length > 0 && named.length === 0) {
    return refusal('null_mx', '5.1.10', `The domain ${domain} does not accept mail (null MX)`);
  }
  // RFC 5321 5.1: without MX records the domain itself is its mail server.
  if (named.length === 0) named.push({ exchange: domain, priority: 0 });
  return withAddresses(domain, named, options);
}

async function withAddresses(
  domain: string,
  records: readonly { exchange: string; priority: number }[],
  options: DestinationResolverOptions,
): Promise<Found> {
  const best = shuffle(records, options.random)
    .filter((record) => isIP(record.exchange) === 0)
    .sort((a, b) => a.priority - b.priority)
    .slice(0, MAX_HOSTS);
  const looked = await Promise.all(
    best.map(async ({ exchange, priority }) => {
      const host = exchange.toLowerCase().replace(/\.$/, '');
      return { host, priority, found: await findAddresses(host, options) };
    }),
  );
  const hosts = looked
    .filter(({ found }) => found.allowed.length > 0)
    .map(({ host, priority, found }) => ({ host, priority, addresses: found.allowed }));
  if (hosts.length > 0) return { ok: true, hosts };
  if (looked.some(({ found }) => found.failed)) {
    return dnsError(`No address of a mail server of ${domain} could be looked up`);
  }
  if (looked.some(({ found }) => found.refused > 0)) {
    const message = `The mail servers of ${domain} have private or local addresses only`;
    return refusal('private_address', '5.4.4', message);
  }
  return refusal(
    'dns_not_found',
    '5.1.2',
    `The domain ${domain} has no mail server with an address`,
  );
}

async function findAddresses(
  host: string,
  options: DestinationResolverOptions,
): Promise<Addresses> {
  const answers = await Promise.allSettled([options.resolve4(host), options.resolve6(host)]);
  const all = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const allowed = all.filter((address) => isIP(address) !== 0 && options.allowAddress(address));
  const failed = answers.some(
    (answer) => answer.status === 'rejected' && !isAbsence(errorCode(answer.reason)),
  );
  return {
    allowed: allowed.slice(0, MAX_ADDRESSES_PER_HOST),
    refused: all.length - allowed.length,
    failed,
  };
}

function isAbsence(code: string): boolean {
  return code === 'ENOTFOUND' || code === 'ENODATA';
}

function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : String(error);
}

type Refusal = Extract<Destination, { ok: false }>;

function refusal(errorCode: Refusal['errorCode'], enhancedCode: string, message: string): Refusal {
  return { ok: false, errorCode, permanent: true, enhancedCode, message };
}

function dnsError(message: string): Refusal {
  return { ok: false, errorCode: 'dns_error', permanent: false, enhancedCode: '4.4.3', message };
}

function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const [a, b] = [shuffled[last], shuffled[other]] as [T, T];
    shuffled[last] = b;
    shuffled[other] = a;
  }
  return shuffled;
}
