import { messageOf } from '../../lib/errors.ts';
import { remember } from '../remember.ts';
import type { SecureQuery } from './dns-query.ts';
import { isUsable, parseTlsa, type TlsaRecord } from './match-tlsa.ts';

/** What DANE (RFC 7672) says of one mail server of one domain. */
export type DaneAnswer =
  /** Nothing: DNS is not signed on the way, or there are no records. */
  | { kind: 'none' }
  /** One of them has to vouch for the server. Without any TLS has to be, with any certificate. */
  | { kind: 'records'; records: TlsaRecord[] }
  /** It may say something: nothing goes there before it is known what (2.1.1). */
  | { kind: 'unknown'; why: string };

export interface DaneLookup {
  /** Never rejects. */
  find(domain: string, host: string): Promise<DaneAnswer>;
}

const KEEP_MS = 60_000;
const UNKNOWN_MS = 5_000;
const MAX_KEPT = 10_000;

/** `query` must be of a resolver that checks DNSSEC, and the way to it one that nobody else is on. */
export function createDaneLookup(options: {
  query: SecureQuery;
  /** Of the mail servers. */
  port: number;
  now: () => number;
}): DaneLookup {
  const { query, port, now } = options;

  async function isSigned(name: string, types: readonly ('MX' | 'A' | 'AAAA')[]): Promise<boolean> {
    const answers = await Promise.all(types.map((type) => query(name, type)));
    return answers.every(({ authentic }) => authentic);
  }

  /** 2.2: the way to the server has to be signed, or its records prove nothing. */
  const signedDomain = remember((domain) => isSigned(domain, ['MX']), keepAll(now));

  const ofHost = remember(async (host): Promise<DaneAnswer> => {
    if (!(await isSigned(host, ['A', 'AAAA']))) return { kind: 'none' };
    const { authentic, records } = await query(`_${port}._tcp.${host}`, 'TLSA');
    if (!authentic || records.length === 0) return { kind: 'none' };
    const parsed = records.map(parseTlsa).filter((one) => one !== null);
    return { kind: 'records', records: parsed.filter(isUsable) };
  }, keepAll(now));

  const ofBoth = remember(
    async (key): Promise<DaneAnswer> => {
      const [domain = '', host = ''] = key.split(' ');
      try {
        return (await signedDomain(domain)) ? await ofHost(host) : { kind: 'none' };
      } catch (error) {
        return { kind: 'unknown', why: messageOf(error) };
      }
    },
    {
      now,
      max: MAX_KEPT,
      keepMs: (answer: DaneAnswer) => (answer.kind === 'unknown' ? UNKNOWN_MS : KEEP_MS),
    },
  );

  return { find: (domain, host) => ofBoth(`${domain} ${host}`) };
}

const keepAll = (now: () => number) => ({ now, keepMs: () => KEEP_MS, max: MAX_KEPT });
