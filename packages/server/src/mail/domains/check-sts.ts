import type { CheckedRecord } from '../../core/mail/domain-check.ts';
import { namesMailServer, parseStsPolicy } from '../../core/mail/mta-sts.ts';
import { messageOf } from '../../lib/errors.ts';
import type { CheckTools } from './check-records.ts';
import { parseTags } from './parse-tags.ts';

type Verdict = Pick<CheckedRecord, 'status' | 'found' | 'detail'>;

const UNREACHABLE = [
  ...['ETIMEDOUT', 'ECONNREFUSED', 'ECONNRESET'],
  ...['EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'],
];

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
  let text: string;
  try {
    text = await fetchText(`https://mta-sts.${domain}/.well-known/mta-sts.txt`);
  } catch (error) {
    const detail = `The policy could not be fetched: ${messageOf(error)}`;
    return isUnreachable(error) ? { status: 'unknown', found, detail } : wrong(detail);
  }
  const parsed = parseStsPolicy(text);
  if ('fault' in parsed) return wrong(parsed.fault);
  const { policy } = parsed;
  const mx = await dns.mx(domain);
  const hosts = mx.kind === 'found' ? mx.values.map(({ exchange }) => exchange.toLowerCase()) : [];
  const stranger = hosts.find((host) => !namesMailServer(policy, host));
  if (stranger !== undefined) return wrong(`The policy does not name the mail server ${stranger}.`);
  const detail = policy.mode === 'enforce' ? null : `The policy says mode: ${policy.mode}.`;
  return { status: 'ok', found, detail };
}

/**
 * No answer is no word about the policy: it may be our own network, and who sends to the domain goes on with the
 * policy that he has (RFC 8461 3.3, 5.1). A server that answers wrongly, or a name that is not there, is one.
 */
function isUnreachable(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return UNREACHABLE.includes(code);
}
