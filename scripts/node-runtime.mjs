/**
 * Finds a Node.js that runs TypeScript as it stands, and runs programs on it. Plain JavaScript on
 * Node's own modules, because it starts on whatever Node the machine has.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { isatty } from 'node:tty';

/** The first Node.js whose type stripping needs no flag, and that has node:sqlite without one. */
export const OLDEST_NODE = '22.18.0';

/** `node:sqlite` warns that it is experimental, which would stand in the output of every command. */
export const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];

/** @param {string} version such as `v24.1.0` */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split('.').map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/**
 * The Node.js to run the checkout at `root` on: the one pinned in package.json, else the current one.
 *
 * @param {string} root
 * @returns {string | undefined} undefined when neither will do
 */
export function findNode(root) {
  const pinned = findPinnedNode(root);
  if (pinned) return pinned;
  return isNewEnough(process.version) ? process.execPath : undefined;
}

/** What to tell a person when `findNode` found none. */
export const missingNodeMessage =
  `Posthorn needs Node.js ${OLDEST_NODE} or newer; this is ${process.version}, and npm has no pinned ` +
  `Node.js for ${process.platform}-${process.arch} in node_modules.\n` +
  'Install Node.js 24 (https://nodejs.org/en/download) and run the command again.';

function findPinnedNode(root) {
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const names = Object.keys(manifest.optionalDependencies ?? {});
  const name = names.find((candidate) => candidate.endsWith(`-${system}-${process.arch}`));
  if (!name) return undefined;
  const file = system === 'win' ? 'node.exe' : 'node';
  const path = join(root, 'node_modules', name, 'bin', file);
  if (!existsSync(path)) return undefined;
  if (path === process.execPath) return path;
  // A binary made for glibc lies there on Alpine too, and does not start.
  const { stdout, status } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  return status === 0 && isNewEnough(stdout.trim()) ? path : undefined;
}

/**
 * Runs a program with this process's streams, passes signals on, and resolves to its exit code
 * (128 + n when signal n ended it).
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<number>}
 */
export function runForeground(command, args) {
  const child = spawn(command, args, { stdio: 'inherit' });
  // In a terminal Ctrl-C reaches the whole group by itself. A second SIGINT would tell a server that
  // is stopping in good order to give up.
  const hasTerminal = [0, 1, 2].some((fd) => isatty(fd));
  const forward = (signal) => {
    if (signal !== 'SIGINT' || !hasTerminal) child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      for (const name of signals) process.off(name, forward);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}
