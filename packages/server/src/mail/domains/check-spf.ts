import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { DnsLookup } from './dns-lookup.ts';

/** What an SPF record comes to for the machines that send for us (RFC 7208). */
export interface SpfVerdict {
  status: 'ok' | 'missing' | 'wrong' | 'unknown';
  /** The record, or all of them where there are several. */
  found: string | null;
  /** Of a right one: how many terms ask DNS; more than ten is an error that fails every mail (4.6.4). */
  detail: string | null;
}

/** RFC 7208 4.6.4. */
const MAX_LOOKUPS = 10;
/** Records that a domain of a stranger can make us read. */
const MAX_RECORDS = 30;

class SpfFault extends Error {
  readonly status: 'wrong' | 'unknown';
  constructor(status: 'wrong' | 'unknown', detail: string) {
    super(detail);
    this.status = status;
  }
}

/**
 * Reads a domain's SPF record with all that it includes, counts what it asks of DNS, and looks whether it
 * lets our mail pass: by the term that we ask for (`a:mail.example.net`), or by the addresses of our
 * own host. Macros (7) are counted and not expanded, since no sender is known here.
 */
export async function checkSpf(
  dns: DnsLookup,
  domain: string,
  our: { term: string; addresses: readonly string[] },
): Promise<SpfVerdict> {
  let lookups = 0;
  let records = 0;
  let isOurs = false;
  let isOpen = false;

  function count(): void {
    lookups += 1;
  }

  async function includesOurs(host: string): Promise<boolean> {
    const answer = await dns.addresses(host);
    return answer.kind === 'found' && answer.values.some((one) => our.addresses.includes(one));
  }

  async function read(record: string, host: string): Promise<void> {
    records += 1;
    if (records > MAX_RECORDS) throw new SpfFault('wrong', 'The record includes too much.');
    let redirect: string | null = null;
    let hasAll = false;
    for (const term of record.split(/ +/).slice(1)) {
      if (term === '') continue;
      const match = /^([-+?~]?)([a-z0-9_.-]+)([:=/].*)?$/i.exec(term);
      if (match === null) throw new SpfFault('wrong', `"${term}" is no term of SPF.`);
      const [, sign, given = '', rest = ''] = match;
      const name = given.toLowerCase();
      const value = rest.slice(1);
      const passes = sign === '' || sign === '+';
      if (passes && term.replace(/^\+/, '').toLowerCase() === our.term.toLowerCase()) isOurs = true;
      if (name === 'all') {
        hasAll = true;
        if (passes) isOpen = true;
      } else if (name === 'redirect' && rest.startsWith('=')) redirect = value;
      else if (name === 'exp' || rest.startsWith('=')) continue;
      else if (name === 'ip4' || name === 'ip6') {
        if (passes && our.addresses.some((address) => isIn(value, address))) isOurs = true;
        if (!isBlock(value)) throw new SpfFault('wrong', `"${term}" has no address.`);
      } else if (name === 'include') await include(value, passes);
      else if (name === 'a' || name === 'mx' || name === 'ptr' || name === 'exists') {
        count();
        const target = rest.startsWith(':') ? (value.split('/')[0] ?? '') : host;
        if (name === 'a' && passes && (await includesOurs(target))) isOurs = true;
        if (name === 'mx' && passes) await readMx(target);
      } else throw new SpfFault('wrong', `"${term}" is no term of SPF.`);
    }
    // A redirect is followed only where nothing matches all (6.1).
    if (redirect !== null && !hasAll) await include(redirect, true);
  }

  async function readMx(host: string): Promise<void> {
    const answer = await dns.mx(host);
    if (answer.kind !== 'found') return;
    for (const { exchange } of answer.values.slice(0, MAX_LOOKUPS)) {
      if (await includesOurs(exchange)) isOurs = true;
    }
  }

  async function include(host: string, passes: boolean): Promise<void> {
    count();
    if (host.includes('%') || lookups > MAX_LOOKUPS + 5) return;
    const found = await findRecords(dns, host);
    const [record] = found;
    if (record === undefined || found.length > 1) {
      const what = record === undefined ? 'has no SPF record' : 'has several SPF records';
      throw new SpfFault('wrong', `The record includes ${host}, which ${what}.`);
    }
    const before = isOurs;
    const wasOpen = isOpen;
    await read(record, host);
    // What an include that only fails would match is none of ours; its "all" is its own (5.2).
    if (!passes) isOurs = before;
    isOpen = wasOpen;
  }

  const verdict = (status: SpfVerdict['status'], found: string | null, detail: string | null) => ({
    status,
    found,
    detail,
  });
  let found: string | null = null;
  try {
    const own = await findRecords(dns, domain);
    found = own.length === 0 ? null : own.join(' | ');
    const [record] = own;
    if (record === undefined) return verdict('missing', null, 'There is no SPF record.');
    if (own.length > 1) {
      const detail = 'There are several SPF records, which fails every mail. Make one of them.';
      return verdict('wrong', found, detail);
    }
    await read(record, domain);
    if (lookups > MAX_LOOKUPS) {
      const detail = `The record makes ${lookups} DNS lookups; with more than ${MAX_LOOKUPS} every mail fails. Take out what is not needed.`;
      return verdict('wrong', found, detail);
    }
    if (isOpen) return verdict('wrong', found, 'The record ends with +all: anybody may send.');
    if (!isOurs)
      return verdict('wrong', found, `The record does not let us send. Add ${our.term}.`);
    return verdict('ok', found, `It makes ${lookups} of at most ${MAX_LOOKUPS} DNS lookups.`);
  } catch (error) {
    if (error instanceof SpfFault) return verdict(error.status, found, error.message);
    throw error;
  }
}

async function findRecords(dns: DnsLookup, name: string): Promise<string[]> {
  const answer = await dns.txt(name);
  if (answer.kind === 'failed') throw new SpfFault('unknown', `${name}: ${answer.detail}`);
  if (answer.kind === 'absent') return [];
  return answer.values.filter((text) => /^v=spf1( |$)/i.test(text));
}

function isBlock(value: string): boolean {
  const [address = '', bits = '0'] = value.split('/');
  return isIP(address) !== 0 && /^\d{1,3}$/.test(bits);
}

function isIn(block: string, address: string): boolean {
  try {
    const parsed = ipaddr.parse(address);
    const [network, bits] = block.includes('/')
      ? ipaddr.parseCIDR(block)
      : ([ipaddr.parse(block), parsed.kind() === 'ipv4' ? 32 : 128] as const);
    return network.kind() === parsed.kind() && parsed.match(network, bits);
  } catch {
    return false;
  }
}
