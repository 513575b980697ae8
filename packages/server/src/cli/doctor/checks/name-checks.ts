import { messageOf } from '../../../lib/errors.ts';
import {
  type DoctorCheck,
  type Finding,
  fail,
  ok,
  type Patient,
  skip,
  warn,
} from '../doctor-check.ts';

/** Whether mail goes straight to the recipients' mail servers, so that they judge this machine. */
export const sendsItself = ({ config }: Patient): boolean =>
  config.roles.includes('mail') && config.smarthost === null;

/** What others see of this machine by its name and its addresses. */
export const NAME_CHECKS: readonly DoctorCheck[] = [
  {
    name: 'dns',
    title: 'DNS resolver',
    isOutside: true,
    async run({ config, probes, probeDomain }) {
      const servers =
        config.dnsServers.length === 0 ? "the system's" : config.dnsServers.join(', ');
      try {
        const found = await probes.resolveMx(probeDomain);
        if (found.length > 0)
          return [ok(`The mail servers of ${probeDomain} are found (${servers}).`)];
        return [fail(`DNS knows no mail server of ${probeDomain} (${servers}).`, DNS_ADVICE)];
      } catch (error) {
        return [fail(`DNS does not answer (${servers}): ${messageOf(error)}.`, DNS_ADVICE)];
      }
    },
  },
  { name: 'hostname', title: 'Hostname', isOutside: true, run: checkHostname },
  {
    name: 'ptr',
    title: 'Reverse DNS',
    isOutside: true,
    async run(patient) {
      if (!sendsItself(patient)) return [skip('Mail goes through a smarthost, or not from here.')];
      const addresses = await sendingAddresses(patient);
      if (addresses.length === 0) {
        return [
          skip(
            'The addresses that mail leaves from are not known: set hostname, or mail_source_addresses.',
          ),
        ];
      }
      return Promise.all(addresses.map((address) => checkPtr(patient, address)));
    },
  },
];

const DNS_ADVICE =
  'Mail needs DNS: look at /etc/resolv.conf, or name servers with dns_servers. A resolver on this machine is best.';

async function checkHostname(patient: Patient): Promise<Finding[]> {
  const { hostname } = patient.config;
  const advice =
    'Set hostname to a name of your own that leads to this machine, such as mail.example.com: mail servers see it in EHLO.';
  const isPlain = !hostname.includes('.') || /\.(local|localdomain|internal|lan)$/i.test(hostname);
  if (isPlain) {
    const finding = sendsItself(patient) ? fail : warn;
    return [finding(`"${hostname}" is no name that others know.`, advice)];
  }
  const addresses = await resolveAll(patient, hostname);
  if (addresses.length === 0) return [fail(`DNS has no address for ${hostname}.`, advice)];
  return [ok(`${hostname} is ${addresses.join(', ')}.`)];
}

/** Those of the settings, or else those that the hostname leads to. */
export async function sendingAddresses(patient: Patient): Promise<readonly string[]> {
  const { mailSourceAddresses, hostname } = patient.config;
  return mailSourceAddresses.length > 0 ? mailSourceAddresses : resolveAll(patient, hostname);
}

async function resolveAll({ probes }: Patient, name: string): Promise<string[]> {
  const lists = await Promise.allSettled([probes.resolve4(name), probes.resolve6(name)]);
  return lists.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
}

/** RFC 1912 section 2.1: the name of an address leads back to it. Large providers refuse mail without. */
async function checkPtr(patient: Patient, address: string): Promise<Finding> {
  const { probes, config } = patient;
  const names = await probes.reverse(address).catch(() => []);
  if (names.length === 0) {
    return fail(
      `${address} has no name in reverse DNS.`,
      `Have whoever gave you the address set its PTR record to ${config.hostname}: Gmail and others refuse mail without.`,
    );
  }
  const forward = await Promise.all(names.map((name) => resolveAll(patient, name)));
  if (!forward.some((addresses) => addresses.includes(address))) {
    return fail(
      `${address} is called ${names.join(', ')}, which does not lead back to it.`,
      `Give ${names[0]} an address record with ${address}, or have the PTR record changed to ${config.hostname}.`,
    );
  }
  if (!names.some((name) => name.toLowerCase() === config.hostname.toLowerCase())) {
    return warn(
      `${address} is called ${names.join(', ')}, and this server says ${config.hostname}.`,
      'Let both be the same: set hostname to that name, or change the PTR record.',
    );
  }
  return ok(`${address} is ${config.hostname}, and back.`);
}
