import { join } from 'node:path';
import { messageOf } from '../../../lib/errors.ts';
import { type DoctorCheck, fail, ok, type Patient, skip, warn } from '../doctor-check.ts';

const GIB = 1_073_741_824;
/** The write-ahead log alone may take 64 MB, and a message 25. */
const MIN_FREE_BYTES = 256 * 1_048_576;
const LOW_FREE_BYTES = 2 * GIB;

/** Receivers refuse signatures that are five minutes old, and certificates begin and end by the clock. */
const LARGE_OFFSET_MS = 60_000;
const SMALL_OFFSET_MS = 2_000;

/** What has to be right on the machine itself. */
export const MACHINE_CHECKS: readonly DoctorCheck[] = [
  {
    name: 'ports',
    title: 'Ports',
    isOutside: false,
    run: async (patient) => Promise.all(listPorts(patient).map((port) => checkPort(patient, port))),
  },
  {
    name: 'database',
    title: 'Database',
    isOutside: false,
    async run({ config, probes }) {
      try {
        return [ok(await probes.store(config))];
      } catch (error) {
        const advice =
          config.databaseUrl === null
            ? 'See "When the store takes no work" in docs/operations.md; a backup is put back by "posthorn restore".'
            : 'See "PostgreSQL" in docs/operations.md.';
        return [fail(messageOf(error), advice)];
      }
    },
  },
  {
    name: 'master_key',
    title: 'Master key',
    isOutside: false,
    async run({ config, probes }) {
      if (config.masterKey !== null) return [ok('It is a setting.')];
      const file = join(config.data, 'master.key');
      const mode = probes.modeOf(file);
      if (mode === null) return [skip(`${file} is made at the first start.`)];
      if ((mode & 0o077) !== 0) {
        return [fail(`Others on this machine may read ${file}.`, `Run: chmod 600 ${file}`)];
      }
      return [ok(`${file} is its owner's alone. Keep a copy of it elsewhere.`)];
    },
  },
  {
    name: 'disk',
    title: 'Disk',
    isOutside: false,
    async run({ config, probes }) {
      const { freeBytes, totalBytes } = probes.disk(config.data);
      const free = `${(freeBytes / GIB).toFixed(1)} of ${(totalBytes / GIB).toFixed(1)} GB are free for ${config.data}.`;
      const advice =
        'Make room, keep less (retention, body_retention), or move the folder to a larger disk.';
      if (freeBytes < MIN_FREE_BYTES) return [fail(free, advice)];
      return freeBytes < LOW_FREE_BYTES ? [warn(free, advice)] : [ok(free)];
    },
  },
  {
    name: 'clock',
    title: 'Clock',
    isOutside: true,
    async run({ probes }) {
      const advice = 'Let the system keep it: timedatectl set-ntp true, or install chrony.';
      let offsetMs: number;
      try {
        offsetMs = await probes.clockOffsetMs();
      } catch (error) {
        return [skip(`No time server answers (${messageOf(error)}); udp port 123 may be closed.`)];
      }
      const found = `It is ${(Math.abs(offsetMs) / 1_000).toFixed(1)} s ${offsetMs < 0 ? 'behind' : 'ahead'}.`;
      if (Math.abs(offsetMs) >= LARGE_OFFSET_MS) return [fail(found, advice)];
      return Math.abs(offsetMs) >= SMALL_OFFSET_MS ? [warn(found, advice)] : [ok(found)];
    },
  },
];

interface WantedPort {
  what: string;
  flag: string;
  port: number;
}

function listPorts({ config }: Patient): WantedPort[] {
  const { roles, port, smtpPort, returnPathPort } = config;
  const ports: WantedPort[] = [{ what: 'HTTP', flag: '--port', port }];
  if (roles.includes('smtp')) {
    ports.push({ what: 'Submission', flag: '--smtp-port', port: smtpPort });
    if (returnPathPort !== null) {
      ports.push({ what: 'Bounces', flag: '--return-path-port', port: returnPathPort });
    }
  }
  return ports;
}

async function checkPort({ config, probes }: Patient, { what, flag, port }: WantedPort) {
  const place = `${what} on ${config.host} port ${port}`;
  if (port === 0) return ok(`${what} takes any free port.`);
  const state = await probes.bind(config.host, port);
  if (state === 'free') return ok(`${place} is free; no server runs on it now.`);
  if (state === 'no_address') {
    return fail(
      `${config.host} is no address of this machine.`,
      'Set host to one that it has, 127.0.0.1 for this machine alone, or 0.0.0.0 for all.',
    );
  }
  if (state === 'forbidden') {
    return fail(
      `${place} needs more rights than this user has.`,
      `Choose a port above 1023 with ${flag}, or give the program CAP_NET_BIND_SERVICE.`,
    );
  }
  const http = { host: config.host, port: config.port };
  if (await probes.isPosthorn(http.host, http.port)) return ok(`${place}: a Posthorn runs here.`);
  return fail(
    `${place} is taken by another program.`,
    `Stop that one (ss -ltnp shows which), or choose another port with ${flag}.`,
  );
}
