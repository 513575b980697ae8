import type { CheckedRecord } from '../../core/mail/domain-check.ts';
import { messageOf } from '../../lib/errors.ts';
import type { CheckTools } from './check-records.ts';
import { parseTags } from './parse-tags.ts';

type Verdict = Pick<CheckedRecord, 'status' | 'found' | 'detail'>;

/** MTA-STS (RFC 8461): the record, the policy that it announces, and whether the policy fits the MX. */
export async function checkSts(
  domain: string,
  { dns, fetchText }: Pick<CheckTools, 'dns' | 'fetchText'>,
): Promise<Verdict> {
  const answer = await dns.txt(`_mta-sts.${domain}`);
  if (answer.kind === 'failed') return { status: 'unknown', found: null, detail: answer.detail };
  const records =
    answer.kind === 'absent' ? [] : answer.values.filter((text) => /^v=STSv1\b/.test(text));
  if (records.length === 0) {
    return { status: 'missing', found: null, detail: 'There is no record at this name.' };
  }
  const found = records.join(' | ');
  const wrong = (detail: string): Verdict => ({ status: 'wrong', found, detail });
  if (records.length > 1) return wrong('There are several records, so none of them counts.');
  if (!/^[a-z0-9]{1,32}$/i.test(parseTags(found).get('id') ?? '')) {
    return wrong('id= has to be 1 to 32 letters and digits.');
  }
  let policy: Map<string, string[]>;
  try {
    policy = parsePolicy(await fetchText(`https://mta-sts.${domain}/.well-known/mta-sts.txt`));
  } catch (error) {
    return wrong(`The policy could not be fetched: ${messageOf(error)}`);
  }
  const fault = faultOf(policy);
  if (fault !== null) return wrong(fault);
  const mx = await dns.mx(domain);
  const hosts = mx.kind === 'found' ? mx.values.map(({ exchange }) => exchange.toLowerCase()) : [];
  const stranger = hosts.find((host) => !policy.get('mx')?.some((one) => matches(one, host)));
  if (stranger !== undefined) return wrong(`The policy does not name the mail server ${stranger}.`);
  const isEnforced = policy.get('mode')?.[0] === 'enforce';
  const detail = isEnforced ? null : `The policy says mode: ${policy.get('mode')?.[0]}.`;
  return { status: 'ok', found, detail };
}

/** 3.2: `key: value` lines; `mx` several times. */
function parsePolicy(text: string): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf(':');
    if (at === -1) continue;
    const name = line.slice(0, at).trim().toLowerCase();
    fields.set(name, [
      ...(fields.get(name) ?? []),
      line
        .slice(at + 1)
        .trim()
        .toLowerCase(),
    ]);
  }
  return fields;
}

function faultOf(policy: Map<string, string[]>): string | null {
  const one = (name: string): string => policy.get(name)?.[0] ?? '';
  if (one('version') !== 'stsv1') return 'The policy has to begin with version: STSv1.';
  const mode = one('mode');
  if (!['enforce', 'testing', 'none'].includes(mode)) {
    return 'The policy has no mode of enforce, testing, none.';
  }
  if (!/^\d{1,10}$/.test(one('max_age'))) return 'The policy has no max_age in seconds.';
  return mode !== 'none' && !policy.has('mx') ? 'The policy names no mx.' : null;
}

/** 4.1: a `*` stands for one label. */
function matches(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === host;
  return host.slice(host.indexOf('.') + 1) === pattern.slice(2);
}
