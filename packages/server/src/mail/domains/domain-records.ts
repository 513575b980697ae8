import { createHash } from 'node:crypto';
import type { CheckedRecord } from '../../core/mail/domain-check.ts';
import { type DkimKeyRecord, type DomainRecord, returnPathOf } from '../../store/mail/domains.ts';
import { dkimRecord } from '../dkim/generate-keys.ts';

/** What DNS has to know of the machines that send. */
export interface SendingHosts {
  /** Receives bounces, and names itself to other servers. */
  hostname: string;
  /** The term that lets our mail pass SPF: `a:mail.example.net`, `include:spf.relay.example`. */
  spfTerm: string;
  /** Where links are opened and unsubscribes come in; null where nobody has said so. */
  trackingHost: string | null;
}

export type PublishedRecord = Pick<
  CheckedRecord,
  'purpose' | 'name' | 'type' | 'required' | 'expected' | 'detail'
>;

/** Pure: the records to publish for a domain, the necessary ones first. */
export function listRecords(
  { name, settings }: Pick<DomainRecord, 'name' | 'settings'>,
  keys: readonly DkimKeyRecord[],
  hosts: SendingHosts,
): PublishedRecord[] {
  const returnPath = returnPathOf({ name, settings });
  const record = (
    purpose: CheckedRecord['purpose'],
    type: CheckedRecord['type'],
    at: string,
    expected: string | null,
    options: { required?: boolean; detail?: string } = {},
  ): PublishedRecord => ({
    purpose,
    name: at,
    type,
    required: options.required ?? false,
    expected,
    detail: options.detail ?? null,
  });
  return [
    ...keys.map(({ algorithm, publicKey, selector, state }) =>
      record('dkim', 'TXT', `${selector}._domainkey.${name}`, dkimRecord(algorithm, publicKey), {
        required: state === 'active',
        detail: DKIM_NOTES[state],
      }),
    ),
    record('spf', 'TXT', name, `v=spf1 ${hosts.spfTerm} ~all`, {
      required: true,
      detail: `One record alone: if there is one, add ${hosts.spfTerm} to it.`,
    }),
    record('dmarc', 'TXT', `_dmarc.${name}`, `v=DMARC1; p=none; rua=mailto:dmarc@${name}`, {
      required: true,
      detail: 'Begin with p=none, read the reports, then go on to quarantine or reject.',
    }),
    record('return_path', 'MX', returnPath, `10 ${hosts.hostname}`, {
      detail: 'Bounces come back to this name.',
    }),
    record('return_path', 'TXT', returnPath, `v=spf1 ${hosts.spfTerm} -all`),
    record('mx', 'MX', name, null, {
      detail: 'Where replies to your mail go. Any mail server of yours.',
    }),
    ...(hosts.trackingHost === null
      ? []
      : [
          record('tracking', 'CNAME', `${settings.tracking}.${name}`, hosts.trackingHost, {
            detail: 'Links and unsubscribes of your mail are under your own name.',
          }),
        ]),
    record('mta_sts', 'TXT', `_mta-sts.${name}`, `v=STSv1; id=${stsId(name)}`, {
      detail: `For mail to you: with a policy at https://mta-sts.${name}/.well-known/mta-sts.txt. Change the id with the policy.`,
    }),
    record('tls_rpt', 'TXT', `_smtp._tls.${name}`, `v=TLSRPTv1; rua=mailto:tls@${name}`, {
      detail: 'Reports of mail to you that could not be sent with TLS.',
    }),
    record('bimi', 'TXT', `default._bimi.${name}`, `v=BIMI1; l=https://${name}/logo.svg; a=`, {
      detail: 'Your logo in mail programs. Needs DMARC with quarantine or reject.',
    }),
  ];
}

const DKIM_NOTES: Record<DkimKeyRecord['state'], string> = {
  active: 'Signs your mail.',
  next: 'Will sign as soon as it is published.',
  retired: 'Leave it for a week: mail that it has signed is on its way.',
};

/** Any text that changes with the policy; this is a first one. */
function stsId(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 12);
}
