import { createHash } from 'node:crypto';
import { namesMailServer, type StsPolicy } from '../../core/mail/mta-sts.ts';
import type { SessionPolicy, SmtpSession } from '../client/open-session.ts';
import type { Transcript } from '../client/transcript.ts';
import type { DaneAnswer, DaneLookup } from './dane-lookup.ts';
import type { StsPolicies } from './sts-policies.ts';

/** On what terms mail of a domain goes to one of its servers. */
export type HostPolicy =
  | {
      session: SessionPolicy;
      /** Connections of other keys are on other terms, and not to be used for it. */
      key: string;
      /** For the transcript. */
      note: string | null;
      /** What would not have been kept, of a policy that is only tried out. */
      testing: StsPolicy | null;
    }
  /** Nothing goes there. */
  | { refused: string };

export interface TlsPolicyOptions {
  /** `opportunistic` takes any certificate, or none (RFC 7435); `require` verifies. */
  tlsMode: 'opportunistic' | 'require' | 'off';
  /** PEM for what is verified, instead of the certificates that the runtime trusts. */
  tlsCa?: string;
  /** Without them such policies are not read. */
  sts?: StsPolicies;
  dane?: DaneLookup;
}

/**
 * The strictest that is known: DANE where there are records (RFC 7672; it comes before MTA-STS, RFC 8461
 * section 2), then an enforced MTA-STS policy, then the setting. The asking begins with the call, so that
 * it runs beside the look-up of the servers.
 */
export function createHostPolicies(
  domain: string,
  options: TlsPolicyOptions,
): (host: string) => Promise<HostPolicy> {
  const { tlsMode, tlsCa: ca } = options;
  const isOff = tlsMode === 'off';
  const announced = isOff ? null : options.sts?.find(domain);
  const usual = { tls: tlsMode, verify: tlsMode === 'require', ca } as const;

  return async (host) => {
    if (isOff) return { session: usual, key: '', note: null, testing: null };
    const [sts, dane] = await Promise.all([announced, options.dane?.find(domain, host)]);
    const byDane = dane === undefined ? null : danePolicy(dane, usual, [host, domain]);
    if (byDane !== null) return byDane;
    if (sts == null) return { session: usual, key: '', note: null, testing: null };
    if (sts.mode !== 'enforce') {
      return { session: usual, key: '', note: 'TLS policy: MTA-STS, testing', testing: sts };
    }
    if (!namesMailServer(sts, host)) {
      return { refused: `The MTA-STS policy of ${domain} does not name ${host}` };
    }
    const session = { tls: 'require', verify: true, ca } as const;
    return { session, key: 'sts', note: 'TLS policy: MTA-STS, enforce', testing: null };
  };
}

function danePolicy(
  answer: DaneAnswer,
  usual: SessionPolicy,
  names: readonly string[],
): HostPolicy | null {
  if (answer.kind === 'none') return null;
  if (answer.kind === 'unknown') {
    return {
      refused: `Whether ${names[0]} has TLSA records could not be found out: ${answer.why}`,
    };
  }
  const { records } = answer;
  // RFC 7672 2.2: records that say nothing we understand ask for TLS all the same.
  if (records.length === 0) {
    const session = { ...usual, tls: 'require' } as const;
    return { session, key: 'tls', note: 'TLS policy: DANE, no usable record', testing: null };
  }
  const hash = createHash('sha256');
  for (const { usage, selector, matchingType, data } of records) {
    hash.update(`${usage} ${selector} ${matchingType} ${data.toString('hex')} `);
  }
  return {
    session: { tls: 'require', verify: false, dane: { records, names } },
    key: `dane ${hash.digest('hex')} ${names.join()}`,
    note: `TLS policy: DANE, ${records.length} records`,
    testing: null,
  };
}

/** Whether a policy that is only tried out would have been kept. */
export function noteTrial(
  session: SmtpSession,
  policy: StsPolicy | null,
  transcript: Transcript,
): void {
  if (policy === null) return;
  const peer = session.link.tlsPeer();
  const fault = !namesMailServer(policy, session.host)
    ? `it does not name ${session.host}`
    : peer === null
      ? 'there is no TLS'
      : peer.fault;
  const verdict = fault === null ? 'would be kept' : `would not be kept: ${fault}`;
  transcript.note(`The MTA-STS policy that is being tried out ${verdict}`);
}
