import type { CheckedRecord } from '../../core/mail/domain-check.ts';
import { checkDmarc } from './check-dmarc.ts';
import { checkSpf } from './check-spf.ts';
import { checkSts } from './check-sts.ts';
import type { DnsAnswer, DnsLookup } from './dns-lookup.ts';
import type { PublishedRecord, SendingHosts } from './domain-records.ts';
import { parseTags } from './parse-tags.ts';

export interface CheckTools {
  dns: DnsLookup;
  hosts: SendingHosts;
  /** GETs a small text from an HTTPS address that is not inside; rejects with a sentence. */
  fetchText(url: string): Promise<string>;
}

export type Verdict = Pick<CheckedRecord, 'status' | 'found' | 'detail'>;

/** Asks DNS about all records of a domain. Never rejects: what cannot be found out is `unknown`. */
export async function checkRecords(
  domain: string,
  records: readonly PublishedRecord[],
  tools: CheckTools,
): Promise<CheckedRecord[]> {
  const own = await tools.dns.addresses(tools.hosts.hostname);
  const addresses = own.kind === 'found' ? own.values : [];
  return Promise.all(
    records.map(async (record) => ({
      ...record,
      ...(await judge(domain, record, addresses, tools)),
    })),
  );
}

async function judge(
  domain: string,
  record: PublishedRecord,
  addresses: readonly string[],
  tools: CheckTools,
): Promise<Verdict> {
  const { dns, hosts } = tools;
  const { name, type, expected } = record;
  switch (record.purpose) {
    case 'dkim':
      return judgeText(await dns.txt(name), (text) => judgeKey(text, expected ?? ''));
    case 'spf':
      return checkSpf(dns, name, { term: hosts.spfTerm, addresses });
    case 'return_path':
      if (type === 'TXT') return checkSpf(dns, name, { term: hosts.spfTerm, addresses });
      return judgeMx(await dns.mx(name), hosts.hostname);
    case 'dmarc':
      return checkDmarc(dns, domain);
    case 'mx':
      return judgeMx(await dns.mx(name), null);
    case 'tracking':
      return judgeAlias(dns, name, expected ?? '');
    case 'mta_sts':
      return checkSts(domain, tools);
    case 'tls_rpt':
      return judgeText(onlyOf(await dns.txt(name), 'v=TLSRPTv1'), judgeTlsReports);
    case 'bimi':
      return judgeLogo(onlyOf(await dns.txt(name), 'v=BIMI1'), await checkDmarc(dns, domain));
  }
}

/**
 * Other texts at the name of such a record are passed over (RFC 8460 3, as RFC 8461 3.1 and RFC 7489 6.6.3 have it
 * too). Where none is of the kind they are judged for what they are.
 */
function onlyOf(answer: DnsAnswer<string>, version: string): DnsAnswer<string> {
  if (answer.kind !== 'found') return answer;
  const values = answer.values.filter((text) => text.replace(/\s*=\s*/, '=').startsWith(version));
  return values.length === 0 ? answer : { ...answer, values };
}

/** Judges a TXT record that has to be there once. */
function judgeText(answer: DnsAnswer<string>, judgeOne: (text: string) => string | null): Verdict {
  if (answer.kind === 'failed') return { status: 'unknown', found: null, detail: answer.detail };
  if (answer.kind === 'absent') {
    return { status: 'missing', found: null, detail: 'There is no record at this name.' };
  }
  const found = answer.values.join(' | ');
  const [text = ''] = answer.values;
  const fault =
    answer.values.length > 1 ? 'There are several records at this name.' : judgeOne(text);
  return { status: fault === null ? 'ok' : 'wrong', found, detail: fault };
}

/** RFC 6376 3.6.1. */
function judgeKey(text: string, expected: string): string | null {
  const [tags, wanted] = [parseTags(text), parseTags(expected)];
  const key = tags.get('p')?.replace(/\s+/g, '');
  if (key === undefined) return 'The record has no key (p=).';
  if (key === '') return 'The key was revoked: p= is empty.';
  if ((tags.get('k') ?? 'rsa') !== wanted.get('k'))
    return `The key has to be k=${wanted.get('k')}.`;
  if (key !== wanted.get('p')) return 'The key is another one. Was the whole value published?';
  if (tags.get('t')?.split(':').includes('y')) return 'The record says t=y: receivers ignore it.';
  return null;
}

/** `host`: the server that has to be among them; null: whichever there are. */
export function judgeMx(
  answer: DnsAnswer<{ exchange: string; priority: number }>,
  host: string | null,
): Verdict {
  if (answer.kind === 'failed') return { status: 'unknown', found: null, detail: answer.detail };
  if (answer.kind === 'absent') {
    return { status: 'missing', found: null, detail: 'There is no MX record.' };
  }
  const found = answer.values.map(({ exchange, priority }) => `${priority} ${exchange}`).join(', ');
  const names = answer.values.map(({ exchange }) => exchange.toLowerCase().replace(/\.$/, ''));
  // RFC 7505: a domain that takes no mail.
  if (names.every((name) => name === '')) {
    return { status: 'wrong', found, detail: 'The domain takes no mail (null MX).' };
  }
  if (host !== null && !names.includes(host.toLowerCase())) {
    return { status: 'wrong', found, detail: `None of the mail servers is ${host}.` };
  }
  return { status: 'ok', found, detail: null };
}

/** A CNAME, or the same addresses by other means (an ALIAS, A records, a proxy in front of both). */
async function judgeAlias(dns: DnsLookup, name: string, target: string): Promise<Verdict> {
  const alias = await dns.cname(name);
  if (alias.kind === 'failed') return { status: 'unknown', found: null, detail: alias.detail };
  const found = alias.kind === 'found' ? alias.values.join(', ') : null;
  const isAlias = found !== null && found.toLowerCase().replace(/\.$/, '') === target.toLowerCase();
  if (isAlias) return { status: 'ok', found, detail: null };
  const [here, there] = await Promise.all([dns.addresses(name), dns.addresses(target)]);
  if (here.kind === 'absent') {
    return { status: 'missing', found, detail: 'There is no record at this name.' };
  }
  if (here.kind !== 'found' || there.kind !== 'found') {
    return { status: 'unknown', found, detail: 'The addresses could not be looked up.' };
  }
  const isSame = here.values.some((address) => there.values.includes(address));
  const shown = found ?? here.values.join(', ');
  if (isSame) return { status: 'ok', found: shown, detail: null };
  return { status: 'wrong', found: shown, detail: `The name does not lead to ${target}.` };
}

/** RFC 8460 3. */
function judgeTlsReports(text: string): string | null {
  const tags = parseTags(text);
  if (tags.get('v') !== 'TLSRPTv1') return 'The record has to begin with v=TLSRPTv1.';
  const to = tags.get('rua') ?? '';
  return /^(mailto:|https:)/i.test(to) ? null : 'rua= has to be a mailto: or https: address.';
}

/** A logo is shown only where nobody else can send in the domain's name. */
function judgeLogo(answer: DnsAnswer<string>, dmarc: Verdict): Verdict {
  const verdict = judgeText(answer, readLogo);
  if (verdict.status !== 'ok' || dmarc.status === 'unknown') return verdict;
  const policy = parseTags(dmarc.found ?? '')
    .get('p')
    ?.toLowerCase();
  if (dmarc.status === 'ok' && policy !== 'none') return verdict;
  const detail = 'Needs DMARC with p=quarantine or p=reject.';
  return { ...verdict, status: 'wrong', detail };
}

function readLogo(text: string): string | null {
  const tags = parseTags(text);
  if (tags.get('v') !== 'BIMI1') return 'The record has to begin with v=BIMI1.';
  const logo = tags.get('l') ?? '';
  if (logo === '') return 'l= is empty: no logo is shown.';
  return /^https:\/\/.+\.svg$/i.test(logo) ? null : 'l= has to be an https: address of an SVG.';
}
