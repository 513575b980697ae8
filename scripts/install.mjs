/**
 * Installs the dependencies of a checkout once, and again when a lock file or a package.json has
 * changed. Plain JavaScript on Node's own modules: it runs before anything is installed, on Node 18.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withInstallLock } from './install-lock.mjs';

export const checkoutRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/** A failed installation. Its message is all that a person needs to see. */
export class InstallError extends Error {}

/**
 * Makes sure that the dependencies of the checkout at `root` are installed.
 *
 * @param {string} root
 * @param {{ say?: (line: string) => void, install?: (root: string) => Promise<void> }} [options]
 * @returns {Promise<'present' | 'adopted' | 'installed'>} what it found or did
 * @throws {InstallError} when npm fails
 */
export async function ensureInstalled(root, options = {}) {
  const { say = (line) => process.stderr.write(`${line}\n`), install = runNpmCi } = options;
  if (isStamped(root)) return 'present';
  return withInstallLock({ directory: join(root, '.posthorn', 'install.lock'), say }, async () => {
    if (isStamped(root)) return 'present';
    // Someone may have run `npm ci` by hand, or an image was built that way: nothing to do again.
    if (matchesLockFile(root)) {
      writeStamp(root);
      return 'adopted';
    }
    say('Installing dependencies (once)...');
    await install(root);
    writeStamp(root);
    return 'installed';
  });
}

/** @param {string} root */
export function isStamped(root) {
  const stamp = readText(stampPath(root));
  return stamp !== undefined && stamp.trim() === computeStamp(root);
}

/** @param {string} root */
export function writeStamp(root) {
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(stampPath(root), `${computeStamp(root)}\n`);
}

/**
 * The state that an installation belongs to: the lock file, every package.json, and the platform,
 * because a checkout shared with a container would otherwise run the other system's binaries.
 *
 * @param {string} root
 */
export function computeStamp(root) {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}\n`);
  const folders = ['', ...findWorkspaceFolders(root)];
  for (const path of ['package-lock.json', ...folders.map((folder) => `${folder}/package.json`)]) {
    const text = readText(join(root, path));
    if (text !== undefined) hash.update(`${path}\n${text.length}\n${text}\n`);
  }
  return hash.digest('hex');
}

/**
 * True if node_modules holds what package-lock.json asks for, going by the list that npm keeps there,
 * and the lock file is in step with every package.json.
 *
 * @param {string} root
 */
export function matchesLockFile(root) {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (!wanted || !present) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path.startsWith('node_modules/') || path.includes('/node_modules/')) {
      const found = present[path];
      // npm leaves out an optional package that is for another platform.
      if (!found && entry.optional) continue;
      if (!found || found.version !== entry.version) return false;
      if (found.integrity !== entry.integrity || !existsSync(join(root, path))) return false;
    } else if (!isInStep(entry, readJson(join(root, path, 'package.json')))) {
      return false;
    }
  }
  return findWorkspaceFolders(root).every((folder) => folder in wanted);
}

/** Does the lock file's entry of a workspace name the same dependencies as its package.json? */
function isInStep(entry, manifest) {
  if (!manifest) return false;
  return ['dependencies', 'devDependencies', 'optionalDependencies'].every((kind) => {
    const sorted = (table) => JSON.stringify(Object.entries(table ?? {}).sort());
    return sorted(entry[kind]) === sorted(manifest[kind]);
  });
}

/** The workspace folders of the root package.json; only `name` and `name/*` are used and understood. */
function findWorkspaceFolders(root) {
  const patterns = readJson(join(root, 'package.json'))?.workspaces ?? [];
  const folders = patterns.flatMap((pattern) => {
    if (!pattern.endsWith('/*')) return [pattern];
    const parent = pattern.slice(0, -2);
    if (!existsSync(join(root, parent))) return [];
    return readdirSync(join(root, parent)).map((name) => `${parent}/${name}`);
  });
  return folders.filter((folder) => existsSync(join(root, folder, 'package.json'))).sort();
}

/** Runs `npm ci`, silent unless it fails. */
async function runNpmCi(root) {
  const flags = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  // The npm that started us, when one did; otherwise the one on the path.
  const npm = process.env.npm_execpath ?? '';
  const known = basename(npm) === 'npm-cli.js' && existsSync(npm);
  const [command, args] = known ? [process.execPath, [npm, ...flags]] : ['npm', flags];
  const shell = !known && process.platform === 'win32'; // npm.cmd starts only from a shell
  const child = spawn(command, args, { cwd: root, shell, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const stop = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
  const problem = await new Promise((resolve) => {
    child.once('error', (error) => resolve(`npm could not be started: ${error.message}`));
    child.once('close', (code, signal) =>
      resolve(code === 0 ? undefined : `npm ended with ${signal ?? code}`),
    );
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, stop);
  if (problem === undefined) return;
  // The pinned Node is there for what the machine's own is too old for.
  const told = output.replace(/^npm warn EBADENGINE.*\n/gm, '');
  throw new InstallError(
    `${told}\nThe dependencies could not be installed: ${problem}.\n` +
      `Its full output is above. To try by hand: cd ${root} && npm ci`,
  );
}

const stampPath = (root) => join(root, 'node_modules', '.posthorn-installed');

const readPackages = (path) => readJson(path)?.packages;

function readJson(path) {
  const text = readText(path);
  return text === undefined ? undefined : JSON.parse(text);
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}
