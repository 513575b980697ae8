import { Resolver } from 'node:dns/promises';

/** What DNS said: values, that there are none, or nothing. */
export type DnsAnswer<T> =
  | { kind: 'found'; values: T[] }
  | { kind: 'absent' }
  /** No answer, or one that is no word about the name: SERVFAIL, a time-out. */
  | { kind: 'failed'; detail: string };

/** The questions of a domain check. Never rejects. */
export interface DnsLookup {
  /** The strings of a record joined (RFC 7208 3.3). */
  txt(name: string): Promise<DnsAnswer<string>>;
  cname(name: string): Promise<DnsAnswer<string>>;
  mx(name: string): Promise<DnsAnswer<{ exchange: string; priority: number }>>;
  /** IPv4 and IPv6. */
  addresses(name: string): Promise<DnsAnswer<string>>;
}

/** A server that does not answer is asked twice. */
const [TIMEOUT_MS, TRIES] = [5_000, 2];

/** By these servers (`ip` or `ip:port`), or the system's when there are none. */
export function createDnsLookup(servers: readonly string[]): DnsLookup {
  const dns = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (servers.length > 0) dns.setServers([...servers]);

  async function ask<T>(question: Promise<T[]>): Promise<DnsAnswer<T>> {
    try {
      const values = await question;
      return values.length === 0 ? { kind: 'absent' } : { kind: 'found', values };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      if (code === 'ENOTFOUND' || code === 'ENODATA') return { kind: 'absent' };
      return { kind: 'failed', detail: `DNS gave no answer (${code}).` };
    }
  }

  return {
    txt: (name) =>
      ask(dns.resolveTxt(name).then((records) => records.map((parts) => parts.join('')))),
    cname: (name) => ask(dns.resolveCname(name)),
    mx: (name) => ask(dns.resolveMx(name)),
    async addresses(name) {
      const [v4, v6] = await Promise.all([ask(dns.resolve4(name)), ask(dns.resolve6(name))]);
      const values = [v4, v6].flatMap((answer) => (answer.kind === 'found' ? answer.values : []));
      if (values.length > 0) return { kind: 'found', values };
      return v4.kind === 'failed' ? v4 : v6;
    },
  };
}
