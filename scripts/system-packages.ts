/**
 * Programs outside npm that some tests talk to, and how they come onto a Debian machine. Without them
 * those tests skip and say so.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface SystemPackage {
  /** Name of the Debian package. */
  readonly name: string;
  /** What is there when the package is: a command, or a path in which `*` may stand for a folder. */
  readonly probe: string;
  /** Which test files need it, going by their path and text. */
  readonly neededBy: RegExp;
  readonly purpose: string;
}

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
    name: 'dovecot-imapd',
    probe: '/usr/lib/dovecot/imap',
    neededBy: /startDovecot/,
    purpose: 'a mailbox for bounces on a real server',
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
    name: 'chromium',
    probe: 'chromium',
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
    const problem = withoutServiceStart(() => aptInstall(names));
    if (problem === undefined) return;
    say(problem);
  }
  for (const { entry, files } of missing) {
    say(`Missing: ${entry.name} (${entry.purpose}). Tests in these files will skip:`);
    for (const file of files) say(`  ${file}`);
  }
  if (!canInstall) say(`To run them on Debian: sudo apt-get install ${names.join(' ')}`);
}

function aptInstall(names: readonly string[]): string | undefined {
  const wait = ['-o', 'DPkg::Lock::Timeout=120'];
  const commands = [
    [...wait, 'update'],
    [...wait, 'install', '-y', '--no-install-recommends', ...names],
  ];
  for (const args of commands) {
    const { status, stdout, stderr, error } = spawnSync('apt-get', args, {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    if (status !== 0) {
      return `${stdout ?? ''}${stderr ?? ''}apt-get ${args.join(' ')} failed: ${error?.message ?? status}`;
    }
  }
  return undefined;
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
