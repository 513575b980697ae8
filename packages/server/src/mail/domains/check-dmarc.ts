import type { CheckedRecord } from '../../core/mail/domain-check.ts';
import type { DnsLookup } from './dns-lookup.ts';
import { parseTags } from './parse-tags.ts';

type Verdict = Pick<CheckedRecord, 'status' | 'found' | 'detail'>;

const POLICIES = ['none', 'quarantine', 'reject'];

/**
 * The DMARC record that holds for a domain (RFC 7489 6.3, 6.6.3): its own, or that of a domain above it.
 * Our mail is aligned in every mode: it is signed by the domain, and its sender is at the domain.
 */
export async function checkDmarc(dns: DnsLookup, domain: string): Promise<Verdict> {
  for (const at of selfAndParents(domain)) {
    const answer = await dns.txt(`_dmarc.${at}`);
    if (answer.kind === 'failed') return { status: 'unknown', found: null, detail: answer.detail };
    const records =
      answer.kind === 'absent' ? [] : answer.values.filter((text) => /^v=DMARC1\b/.test(text));
    const [record] = records;
    if (record === undefined) continue;
    const found = records.join(' | ');
    const fault = records.length > 1 ? SEVERAL : faultOf(record);
    if (fault !== null) return { status: 'wrong', found, detail: fault };
    return { status: 'ok', found, detail: noteOn(record, at === domain ? null : at) };
  }
  const detail = 'There is no DMARC record. Large receivers ask for one from who sends much.';
  return { status: 'missing', found: null, detail };
}

const SEVERAL = 'There are several DMARC records, so none of them counts.';

/** As far up as a domain of two labels: above it is nobody's (com, co.uk have no DMARC of use). */
function selfAndParents(domain: string): string[] {
  const labels = domain.split('.');
  return labels.slice(0, Math.max(1, labels.length - 1)).map((_, i) => labels.slice(i).join('.'));
}

function faultOf(record: string): string | null {
  const tags = parseTags(record);
  const policy = tags.get('p')?.toLowerCase();
  if (policy === undefined) return 'The record has no policy (p=).';
  if (!POLICIES.includes(policy)) return `p= has to be one of ${POLICIES.join(', ')}.`;
  for (const name of ['adkim', 'aspf']) {
    const mode = tags.get(name)?.toLowerCase() ?? 'r';
    if (mode !== 'r' && mode !== 's') return `${name}= has to be r or s.`;
  }
  const reports = tags.get('rua');
  const isReadable =
    reports === undefined || reports.split(',').every((uri) => /^\s*\w+:/.test(uri));
  return isReadable ? null : 'rua= has to be a list of mailto: addresses.';
}

/** What could be better; null when nothing. */
function noteOn(record: string, inheritedFrom: string | null): string | null {
  const tags = parseTags(record);
  const notes = [
    ...(inheritedFrom === null ? [] : [`It is that of ${inheritedFrom}.`]),
    ...(tags.has('rua') ? [] : ['Without rua= you get no reports.']),
    ...(tags.get('p')?.toLowerCase() === 'none'
      ? ['p=none only watches: others can still send in your name.']
      : []),
  ];
  return notes.length === 0 ? null : notes.join(' ');
}
