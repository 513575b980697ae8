/**
 * Programs outside npm that some tests talk to, and how they come onto a Debian machine. Without them
 * those tests skip and say so.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface SystemPackage {
  /** Name of the Debian package. */
  readonly name: string;
  /** What is there when the package is: a command, or a path in which `*` may stand for a folder. */
  readonly probe: string;
  /** Which test files need it, going by their path and text. */
  readonly neededBy: RegExp;
  readonly purpose: string;
  /** Where it is unpacked, not installed: it cannot be there together with another one of these. */
  readonly unpackedIn?: string;
  /** A user of the system that its installation would have made. */
  readonly user?: string;
}

/** Debian has one mail server at a time, and Postfix is it. */
export const EXIM_FOLDER = '/opt/posthorn-tests/exim4';

export const SYSTEM_PACKAGES: readonly SystemPackage[] = [
  {
    name: 'postfix',
    probe: 'postfix',
    neededBy: /postfix/i,
    purpose: 'delivery to and from a real mail server',
  },
  {
    // Only recommended by postfix. Without it Postfix as a client cannot log in, and tries for minutes.
    name: 'libsasl2-modules',
    probe: '/usr/lib/*/sasl2/libplain.so',
    neededBy: /postfix/i,
    purpose: 'the login of a real mail server at ours',
  },
  {
    name: 'exim4-daemon-light',
    probe: `${EXIM_FOLDER}/usr/sbin/exim4`,
    neededBy: /startExim/,
    purpose: 'delivery to and from another real mail server',
    unpackedIn: EXIM_FOLDER,
    user: 'Debian-exim',
  },
  // Two libraries of Exim's that Postfix does not need.
  ...[
    ['libidn12', '/usr/lib/*/libidn.so.12'],
    ['libgnutls-dane0', '/usr/lib/*/libgnutls-dane.so.0'],
  ].map(([name = '', probe = '']) => ({
    name,
    probe,
    neededBy: /startExim/,
    purpose: 'delivery to and from another real mail server',
  })),
  {
    name: 'swaks',
    probe: 'swaks',
    neededBy: /runSwaks/,
    purpose: 'what people test mail servers with',
  },
  {
    // Only recommended by swaks, which cannot do TLS without it.
    name: 'libnet-ssleay-perl',
    probe: '/usr/lib/*/perl5/*/Net/SSLeay.pm',
    neededBy: /runSwaks/,
    purpose: 'what people test mail servers with',
  },
  {
    name: 'dovecot-imapd',
    probe: '/usr/lib/dovecot/imap',
    neededBy: /startDovecot/,
    purpose: 'a mailbox for bounces on a real server',
  },
  {
    name: 'dovecot-pop3d',
    probe: '/usr/lib/dovecot/pop3',
    neededBy: /startDovecot/,
    purpose: 'the same by POP3',
  },
  {
    name: 'postgresql',
    probe: '/usr/lib/postgresql/*/bin/initdb',
    neededBy: /startTestCluster|startHaCluster/,
    purpose: 'the second store engine on a real server',
  },
  {
    name: 'redis-server',
    probe: 'redis-server',
    neededBy: /startTestRedis/,
    purpose: 'the inbox of the SDK on a real server',
  },
  {
    name: 'nats-server',
    probe: 'nats-server',
    neededBy: /startTestNats/,
    purpose: 'a sink on a real server',
  },
  {
    name: 'rabbitmq-server',
    probe: '/usr/lib/rabbitmq/bin/rabbitmq-server',
    neededBy: /startTestRabbit/,
    purpose: 'a sink on a real server',
  },
  {
    name: 'mosquitto',
    probe: 'mosquitto',
    neededBy: /startTestMosquitto/,
    purpose: 'a sink on a real server',
  },
  {
    name: 'mariadb-server-core',
    probe: 'mariadbd',
    neededBy: /startTestMariaDb/,
    purpose: 'a sink on a real server',
  },
  {
    name: 'chromium-headless-shell',
    probe: 'chromium-headless-shell',
    neededBy: /skipWithoutBrowser/,
    purpose: 'the portal in a real browser',
  },
  {
    name: 'pgbouncer',
    probe: 'pgbouncer',
    neededBy: /startPgBouncer/,
    purpose: 'the second store engine behind a pooler',
  },
  {
    name: 'libfaketime',
    probe: '/usr/lib/*/faketime/libfaketimeMT.so.1',
    neededBy: /createFakeClock/,
    purpose: 'clocks that jump',
  },
  {
    name: 'patroni',
    probe: 'patroni',
    neededBy: /startHaCluster/,
    purpose: 'a database with standbys that take over',
  },
  {
    // What Patroni needs for etcd, and only recommends.
    name: 'python3-etcd',
    probe: '/usr/lib/python3/dist-packages/etcd',
    neededBy: /startHaCluster/,
    purpose: 'a database with standbys that take over',
  },
  {
    name: 'etcd-server',
    probe: 'etcd',
    neededBy: /startHaCluster/,
    purpose: 'a database with standbys that take over',
  },
  {
    name: 'haproxy',
    probe: 'haproxy',
    neededBy: /startHaCluster/,
    purpose: 'a database with standbys that take over',
  },
];

export interface MissingPackage {
  readonly entry: SystemPackage;
  readonly files: readonly string[];
}

/** Which packages do these test files need that are not on this machine? */
export function findMissingPackages(
  testFiles: readonly string[],
  packages: readonly SystemPackage[] = SYSTEM_PACKAGES,
  isThere: (probe: string) => boolean = isPresent,
): MissingPackage[] {
  return packages
    .filter(({ probe }) => !isThere(probe))
    .map((entry) => ({ entry, files: testFiles.filter((file) => needs(file, entry)) }))
    .filter(({ files }) => files.length > 0);
}

function needs(file: string, { neededBy }: SystemPackage): boolean {
  return neededBy.test(file) || neededBy.test(readFileSync(file, 'utf8'));
}

/** Daemons stand in sbin, which is on no ordinary user's PATH. */
function isPresent(probe: string): boolean {
  if (probe.startsWith('/')) return globSync(probe).length > 0;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, probe)));
}

/**
 * Installs what is missing where that can be done (root on Debian or a descendant of it); otherwise, or
 * when it fails, says what is missing. Never throws: the tests themselves will skip.
 */
export function installSystemPackages(
  missing: readonly MissingPackage[],
  say: (line: string) => void,
): void {
  if (missing.length === 0) return;
  const names = missing.map(({ entry }) => entry.name);
  const canInstall = process.getuid?.() === 0 && existsSync('/etc/debian_version');
  if (canInstall) {
    say(`Installing system packages for the tests: ${names.join(', ')}...`);
    const entries = missing.map(({ entry }) => entry);
    const problem = withoutServiceStart(() => aptInstall(entries));
    if (problem === undefined) return;
    say(problem);
  }
  for (const { entry, files } of missing) {
    say(`Missing: ${entry.name} (${entry.purpose}). Tests in these files will skip:`);
    for (const file of files) say(`  ${file}`);
  }
  if (!canInstall) say(`To run them on Debian: sudo apt-get install ${names.join(' ')}`);
}

function aptInstall(entries: readonly SystemPackage[]): string | undefined {
  const wait = ['-o', 'DPkg::Lock::Timeout=120'];
  const usual = entries.filter(({ unpackedIn }) => unpackedIn === undefined);
  const names = usual.map(({ name }) => name);
  const install = [...wait, 'install', '-y', '--no-install-recommends', ...names];
  const commands = [[...wait, 'update'], ...(names.length === 0 ? [] : [install])];
  for (const args of commands) {
    const problem = run('apt-get', args);
    if (problem !== undefined) return problem;
  }
  for (const { name, unpackedIn, user } of entries) {
    if (unpackedIn === undefined) continue;
    const problem = (user === undefined ? undefined : addUser(user)) ?? unpack(name, unpackedIn);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function addUser(name: string): string | undefined {
  if (run('id', [name]) === undefined) return undefined;
  return run('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', name]);
}

function unpack(name: string, folder: string): string | undefined {
  const download = mkdtempSync(join(tmpdir(), 'posthorn-deb-'));
  try {
    const problem = run('apt-get', ['download', name], download);
    if (problem !== undefined) return problem;
    mkdirSync(folder, { recursive: true });
    const [file = ''] = globSync(join(download, '*.deb'));
    return run('dpkg-deb', ['--extract', file, folder]);
  } finally {
    rmSync(download, { recursive: true, force: true });
  }
}

/** What it said, where it failed. */
function run(command: string, args: readonly string[], cwd?: string): string | undefined {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (status === 0) return undefined;
  return `${stdout ?? ''}${stderr ?? ''}${command} ${args.join(' ')} failed: ${error?.message ?? status}`;
}

/** Debian starts a daemon as soon as it is installed, unless this file forbids it (policy-rc.d). */
function withoutServiceStart<T>(install: () => T): T {
  const policy = '/usr/sbin/policy-rc.d';
  // Containers bring one of their own, and an administrator's stands.
  if (existsSync(policy)) return install();
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return install();
  } finally {
    rmSync(policy, { force: true });
  }
}
