import { createPrivateKey, X509Certificate } from 'node:crypto';
import { messageOf } from '../../../lib/errors.ts';
import { parseRelays } from '../../../mail/relays/parse-relays.ts';
import {
  type DoctorCheck,
  type Finding,
  fail,
  ok,
  type Patient,
  skip,
  warn,
} from '../doctor-check.ts';
import { sendsItself } from './name-checks.ts';

const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

/** What mail needs to get in and out. */
export const MAIL_CHECKS: readonly DoctorCheck[] = [
  {
    name: 'tls',
    title: 'TLS certificate',
    isOutside: false,
    async run({ config, probes }) {
      const { smtpTlsCert, smtpTlsKey, host } = config;
      if (smtpTlsCert === null || smtpTlsKey === null) {
        const isAlone = /^(127\.|::1$|localhost$)/.test(host);
        if (isAlone) return [skip('None is set; only this machine can reach the ports.')];
        return [
          warn(
            'Submission offers no STARTTLS: passwords and mail go over the network as they are.',
            "Set smtp_tls_cert and smtp_tls_key, from Let's Encrypt for example.",
          ),
        ];
      }
      try {
        const certificate = new X509Certificate(probes.readFile(smtpTlsCert));
        const key = createPrivateKey(probes.readFile(smtpTlsKey));
        if (!certificate.checkPrivateKey(key)) {
          return [
            fail(
              'The key does not belong to the certificate.',
              'Set smtp_tls_key to the one that the certificate was made for.',
            ),
          ];
        }
        return [judgeCertificate(certificate, config.hostname, probes.nowMs())];
      } catch (error) {
        return [
          fail(
            `It cannot be read: ${messageOf(error)}.`,
            'smtp_tls_cert and smtp_tls_key are files in PEM.',
          ),
        ];
      }
    },
  },
  {
    name: 'outbound',
    title: 'Way to mail servers',
    isOutside: true,
    run: async (patient) =>
      patient.config.roles.includes('mail')
        ? checkWayOut(patient)
        : [skip('This process sends no mail.')],
  },
];

function judgeCertificate(certificate: X509Certificate, hostname: string, nowMs: number): Finding {
  const [fromMs, toMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  const renew = 'Renew it, and restart: it is read at the start.';
  if (nowMs < fromMs) return fail(`It is valid only from ${certificate.validFrom} on.`, renew);
  if (nowMs >= toMs) return fail(`It ended on ${certificate.validTo}.`, renew);
  if (certificate.checkHost(hostname) === undefined) {
    const names = certificate.subjectAltName?.replaceAll('DNS:', '') ?? certificate.subject;
    return fail(
      `It is for ${names}, and not for ${hostname}.`,
      'Let it name the hostname, under which clients reach this server.',
    );
  }
  const days = Math.floor((toMs - nowMs) / DAY_MS);
  const found = `It is for ${hostname}, and valid for ${days} more days.`;
  return days < SOON_DAYS ? warn(found, renew) : ok(found);
}

async function checkWayOut(patient: Patient): Promise<Finding[]> {
  const { config, probes, probeDomain } = patient;
  if (!sendsItself(patient)) {
    const relays = parseRelays(config.smarthost ?? '');
    const servers = relays.flatMap((one) => (one.kind === 'smtp' ? [one.smarthost] : []));
    return Promise.all(
      servers.map(({ host, port }) =>
        tryWay(patient, { host, port }, 'Are its name and port in smarthost right?'),
      ),
    );
  }
  const servers = await probes.resolveMx(probeDomain).catch(() => []);
  const [first] = servers.toSorted((a, b) => a.priority - b.priority);
  if (first === undefined)
    return [skip(`No mail server of ${probeDomain} is known; see DNS resolver.`)];
  const to = { host: first.exchange, port: config.mailPort };
  const advice =
    'Many hosts close port 25 outwards: ask yours to open it, or send through a smarthost (smarthost=smtp://user:password@host:587).';
  const sources = config.mailSourceAddresses;
  if (sources.length === 0) return [await tryWay(patient, to, advice)];
  return Promise.all(
    sources.map((localAddress) => tryWay(patient, { ...to, localAddress }, advice)),
  );
}

async function tryWay(
  { probes }: Patient,
  way: { host: string; port: number; localAddress?: string },
  advice: string,
): Promise<Finding> {
  const from = way.localAddress === undefined ? '' : ` from ${way.localAddress}`;
  const place = `${way.host} port ${way.port}${from}`;
  try {
    const line = await probes.greet(way);
    // An implicit TLS port (465) waits for the client to speak.
    if (line === '' || line.startsWith('220')) return ok(`${place} answers.`);
    return fail(
      `${place} refuses this machine: ${line.slice(0, 200)}`,
      'Its address may be on a block list (its answer says which), or lack a PTR record.',
    );
  } catch (error) {
    return fail(`${place} cannot be reached: ${messageOf(error)}.`, advice);
  }
}
